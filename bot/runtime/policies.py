"""Rasa's rules, with two additions for what comes in the middle of a form."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import LOOP_RULES, RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.core.names import BREAKOUT_INTENTS, flow_of_form

_SURE_ENOUGH = {
    **dict.fromkeys(BREAKOUT_INTENTS, 0.6),
    "falar_com_advogado": 0.55,
    "relatar_urgencia": 0.4,
}
"""From which confidence (0-1) an intent leaves a form before the form is asked.

Below it the form may read the message as an answer ("rescisão" is a subject, and
is 0.44 `interromper`); what the form does not take leaves it all the same.
"""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class ResumingRulePolicy(RulePolicy):
    """Lets a form be left at once, and asks its question again after any other.

    Stock Rasa wants one more rule for each pair of intent and form. Here the rule
    of the intent alone is enough: when it is done and the conversation would only
    wait, the form that it interrupted runs again.

    Stock Rasa also runs the form before any rule. Here an intent that leaves the
    form does so first: whoever is in danger or wants a person is not asked for a
    slot, and gets through while the action server is down.
    """

    def predict_action_probabilities(
        self, tracker: DialogueStateTracker, domain: Domain, **kwargs: Any
    ) -> PolicyPrediction:
        """Returns the rule's prediction, or the interrupted form instead of a wait."""
        form = tracker.active_loop_name
        if form is not None and _leaves_form(tracker):
            action, source, _ = self._find_action_from_rules(
                tracker, domain, use_text_for_last_user_input=False
            )
            if action is not None:
                return self._rule_prediction(
                    self._prediction_result(action, tracker, domain), source
                )
        prediction = super().predict_action_probabilities(tracker, domain, **kwargs)
        if form is None or not tracker.is_active_loop_rejected:
            return prediction
        likeliest = prediction.probabilities.index(prediction.max_confidence)
        if domain.action_names_or_texts[likeliest] != ACTION_LISTEN_NAME:
            return prediction
        return self._rule_prediction(
            self._prediction_result(form, tracker, domain),
            LOOP_RULES + form,
            is_no_user_prediction=True,
        )


def _leaves_form(tracker: DialogueStateTracker) -> bool:
    message = tracker.latest_message
    if tracker.latest_action_name != ACTION_LISTEN_NAME or message is None:
        return False
    intent = message.intent.get("name")
    confidence = float(message.intent.get("confidence") or 0.0)
    is_own = intent == flow_of_form(tracker.active_loop_name or "")
    return confidence >= _SURE_ENOUGH.get(intent, 1.1) and not is_own
