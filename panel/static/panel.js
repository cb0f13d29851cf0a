// What htmx does not do by itself: the waiting bubble, the keys, the notices.
// Every text stands in the templates; nothing here writes HTML.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const form = $("compor");
  const box = $("mensagem");
  const log = $("registro");
  if (!form || !box || !log) return;

  let sending = null;

  const toBottom = () => { log.scrollTop = log.scrollHeight; };

  const showPending = (text) => {
    const copy = $("modelo-pendente").content.cloneNode(true);
    copy.querySelector("[data-text]").textContent = text;
    $("pendente").replaceChildren(copy);
    log.querySelector(".empty")?.remove();
    toBottom();
  };

  const giveBack = () => {
    box.value = box.value ? `${sending}\n${box.value}` : sending;
    box.focus();
  };

  $("dica-teclas").hidden = false;
  toBottom();

  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (sending === null && box.value.trim()) form.requestSubmit();
  });

  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form) return;
    sending = box.value;
    box.value = "";
    $("erro-envio").replaceChildren();
    showPending(sending);
    box.focus();
  });

  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== form) return;
    $("pendente").replaceChildren();
    if (!event.detail.successful) giveBack();
    if (!event.detail.xhr?.status) {
      $("erro-envio").replaceChildren($("modelo-sem-painel").content.cloneNode(true));
    }
    sending = null;
  });

  form.addEventListener("htmx:afterSwap", toBottom);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "trocas") toBottom();
  });

  // The section refreshes by itself: it speaks only when its summary changed,
  // and waits while somebody is selecting text in it.
  const situation = $("situacao");
  const summary = () => $("resumo")?.textContent.trim() ?? "";
  let announced = summary();

  situation.addEventListener("htmx:beforeSwap", (event) => {
    const selection = document.getSelection();
    const isSelecting = selection && !selection.isCollapsed;
    if (isSelecting && situation.contains(selection.anchorNode)) {
      event.detail.shouldSwap = false;
    }
  });

  situation.addEventListener("htmx:afterRequest", (event) => {
    $("painel-parado").hidden = event.detail.successful;
  });

  situation.addEventListener("htmx:afterSwap", () => {
    if (summary() === announced) return;
    announced = summary();
    $("anuncio").textContent = announced;
  });
})();
