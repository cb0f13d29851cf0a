"""The actions that Rasa sees: the one list of them."""

from __future__ import annotations

from rasa_sdk.interfaces import Action

from actions import fallback
from actions.appointments import booking, changing, confirming, when
from actions.clients import intake, lawsuits, requests
from actions.lawyers import agenda, filing, people, sheets
from actions.services import Services


def build_actions(services: Services) -> list[Action]:
    """Returns every action, built with the services it needs."""
    return [
        fallback.AskModel("action_llm_fallback", services),
        requests.TakeYes("action_afirmar", services),
        *_appointments(services),
        *_clients(services),
        *_lawyers(services),
    ]


def _appointments(services: Services) -> list[Action]:
    return [
        booking.BookingForm(services),
        when.AskWhen("action_ask_quando", services),
        booking.AskBookingConfirmation(
            "action_ask_form_agendar_consulta_confirmado", services
        ),
        booking.BookAppointment("action_agendar_consulta", services),
        changing.MoveForm(services),
        changing.AskWhich("action_ask_qual_consulta", services),
        changing.AskChangeConfirmation(
            "action_ask_form_remarcar_consulta_confirmado", services
        ),
        changing.MoveAppointment("action_remarcar_consulta", services),
        changing.CancelForm(services),
        changing.AskChangeConfirmation(
            "action_ask_form_cancelar_consulta_confirmado", services
        ),
        changing.CancelAppointment("action_cancelar_consulta", services),
        confirming.TakeNo("action_negar", services),
        changing.ShowAppointments("action_consultar_agendamento", services),
    ]


def _clients(services: Services) -> list[Action]:
    return [
        intake.IntakeForm(services),
        intake.AskIntakeConfirmation(
            "action_ask_form_relatar_caso_confirmado", services
        ),
        intake.TakeCase("action_relatar_caso", services),
        lawsuits.LawsuitForm(services),
        lawsuits.ShowLawsuit("action_consultar_processo", services),
        requests.ReceiveDocument("action_enviar_documento", services),
        requests.ListDocuments("action_consultar_documentos", services),
        requests.AnswerArea("action_consultar_areas", services),
        requests.TakeComplaint("action_reclamar", services),
        requests.ErasureForm(services),
        requests.AskErasure("action_excluir_dados", services),
    ]


def _lawyers(services: Services) -> list[Action]:
    return [
        agenda.ShowAgenda("action_ver_agenda", services),
        agenda.CommitmentForm(services),
        agenda.AskCommitmentWhen("action_ask_form_criar_compromisso_quando", services),
        agenda.AskCommitmentConfirmation(
            "action_ask_form_criar_compromisso_confirmado", services
        ),
        agenda.CreateCommitment("action_criar_compromisso", services),
        sheets.SheetForm(services),
        sheets.MakeSheet("action_criar_planilha", services),
        filing.FilingForm(services),
        filing.AskFolder("action_ask_form_salvar_no_drive_pasta", services),
        filing.FileAttachments("action_salvar_no_drive", services),
        people.ShowNewContacts("action_ver_contatos_novos", services),
        people.PersonForm(services, "resumir_atendimento"),
        people.Summarise("action_resumir_atendimento", services),
        people.PersonForm(services, "assumir_atendimento"),
        people.ChangeOwner("action_assumir_atendimento", services, owner="pessoa"),
        people.PersonForm(services, "devolver_atendimento"),
        people.ChangeOwner("action_devolver_atendimento", services, owner="robo"),
    ]
