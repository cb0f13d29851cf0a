"""The actions that Rasa sees: the one list of them."""

from __future__ import annotations

from rasa_sdk.interfaces import Action

from actions import appointments, cases, fallback, forms, lawyers
from actions.services import Services


def build_actions(services: Services) -> list[Action]:
    """Returns every action, built with the services it needs."""
    model = fallback.AskModel("action_llm_fallback", services)
    return [
        model,
        appointments.BookAppointment("action_agendar_consulta", services),
        appointments.MoveAppointment("action_remarcar_consulta", services),
        appointments.CancelAppointment("action_cancelar_consulta", services),
        appointments.ShowAppointment("action_consultar_agendamento", services),
        cases.TakeCase("action_relatar_caso", services),
        cases.AskAboutLawsuit("action_consultar_processo", services),
        cases.ReceiveDocument("action_enviar_documento", services),
        cases.AskErasure("action_excluir_dados", services),
        lawyers.ShowAgenda("action_ver_agenda", services),
        lawyers.KeepCommand("action_criar_compromisso", services),
        lawyers.KeepCommand("action_criar_planilha", services),
        lawyers.ShowNewContacts("action_ver_contatos_novos", services),
        lawyers.KeepCommand("action_salvar_no_drive", services),
        lawyers.Summarise("action_resumir_atendimento", services),
        lawyers.ChangeOwner("action_assumir_atendimento", services, owner="pessoa"),
        lawyers.ChangeOwner("action_devolver_atendimento", services, owner="robo"),
        *forms.build_form_checks(answer_question=model),
    ]
