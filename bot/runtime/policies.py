"""Rasa's rules, with one addition: a form goes on after a question in between."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import LOOP_RULES, RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class ResumingRulePolicy(RulePolicy):
    """Asks the form's question again once a rule has answered in the middle of it.

    Stock Rasa wants one more rule for each pair of intent and form. Here the rule
    of the intent alone is enough: when it is done and the conversation would only
    wait, the form that it interrupted runs again.
    """

    def predict_action_probabilities(
        self, tracker: DialogueStateTracker, domain: Domain, **kwargs: Any
    ) -> PolicyPrediction:
        """Returns the rule's prediction, or the interrupted form instead of a wait."""
        prediction = super().predict_action_probabilities(tracker, domain, **kwargs)
        form = tracker.active_loop_name
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
