// What htmx does not do by itself: the waiting bubble, the keys, the notices, the voice.
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

  const showNewest = () => {
    toBottom();
    const newest = $("pendente").firstElementChild ?? $("trocas").lastElementChild;
    newest?.scrollIntoView({ block: "nearest" });
  };

  const showPending = (template) => {
    const copy = $(template).content.cloneNode(true);
    $("pendente").replaceChildren(copy);
    log.querySelector(".empty")?.remove();
    showNewest();
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
    showPending("modelo-pendente");
    $("pendente").querySelector("[data-text]").textContent = sending;
    showNewest();
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
    if (event.target.id === "trocas") showNewest();
  });

  // A voice is a file of the form, chosen or recorded, and one button sends both.
  const voice = $("voz");
  const chosen = $("audio");
  const notice = $("aviso-audio");
  const sendVoice = $("enviar-audio");
  const maxBytes = Number(voice.dataset.maxBytes);
  const maxSeconds = Number(voice.dataset.maxS);

  const tell = (name) => {
    const phrases = $("frases-audio").content;
    notice.textContent = name ? phrases.querySelector(`[data-phrase="${name}"]`).textContent : "";
  };

  const clockText = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  // Calls `show` every second with the whole seconds since now; returns how to end it.
  const everySecond = (show) => {
    const began = performance.now();
    const tick = () => show(Math.floor((performance.now() - began) / 1000));
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  };

  const isSendable = () => {
    const file = chosen.files[0];
    if (!file) tell("nothing");
    else if (file.size > maxBytes) tell("large");
    else return true;
    return false;
  };

  chosen.addEventListener("change", () => {
    tell(chosen.files[0]?.size > maxBytes ? "large" : "");
  });

  let stopWaiting = () => {};
  let focused = null;

  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== sendVoice) return;
    if (sending !== null) tell("later");
    if (sending !== null || !isSendable()) {
      event.preventDefault();
      return;
    }
    tell("");
    $("erro-envio").replaceChildren();
    focused = document.activeElement;
    showPending("modelo-pendente-audio");
    const waited = $("pendente").querySelector("[data-waited]");
    stopWaiting = everySecond((seconds) => { waited.textContent = clockText(seconds); });
  });

  form.addEventListener("htmx:xhr:progress", (event) => {
    const shown = $("pendente").querySelector("[data-progress]");
    if (event.detail.elt !== sendVoice || !shown || !event.detail.total) return;
    const share = Math.floor((100 * event.detail.loaded) / event.detail.total);
    shown.textContent = share < 100 ? `${share}%` : "";
  });

  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== sendVoice) return;
    stopWaiting();
    $("pendente").replaceChildren();
    if (event.detail.successful) chosen.value = "";
    // what was disabled meanwhile has lost the focus
    if (document.activeElement === document.body) focused?.focus({ preventScroll: true });
    if (!event.detail.xhr?.status) {
      $("erro-envio").replaceChildren($("modelo-sem-painel").content.cloneNode(true));
    }
  });

  const recorderButtons = { record: $("gravar"), stop: $("parar"), discard: $("descartar") };
  const elapsed = $("tempo");
  const endings = { "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "m4a" };
  const troubles = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing" };
  let recording = null;

  const showRecording = (isOn) => {
    recorderButtons.record.hidden = isOn;
    recorderButtons.stop.hidden = !isOn;
    recorderButtons.discard.hidden = !isOn;
    elapsed.hidden = !isOn;
    (isOn ? recorderButtons.stop : recorderButtons.record).focus();
  };

  const sendRecorded = (parts, type, phrase) => {
    const plain = type.split(";")[0];
    const file = new File(parts, `gravado.${endings[plain] ?? "webm"}`, { type: plain });
    if (!file.size) {
      tell("silent");
      return;
    }
    const carrier = new DataTransfer();
    carrier.items.add(file);
    chosen.files = carrier.files;
    sendVoice.click();
    if (phrase && notice.textContent === "") tell(phrase);
  };

  const record = (stream) => {
    const type = Object.keys(endings).map((each) => `${each};codecs=opus`)
      .concat("audio/mp4").find((each) => MediaRecorder.isTypeSupported(each));
    const recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
    const parts = [];
    let outcome = "discarded";
    const end = (why) => { outcome = why; recorder.stop(); };
    const stopClock = everySecond((seconds) => {
      elapsed.textContent = clockText(seconds);
      if (seconds >= maxSeconds) end("longest");
    });
    recorder.addEventListener("dataavailable", (event) => { parts.push(event.data); });
    recorder.addEventListener("stop", () => {
      stopClock();
      stream.getTracks().forEach((track) => track.stop());
      recording = null;
      showRecording(false);
      if (outcome === "discarded") tell("discarded");
      else sendRecorded(parts, recorder.mimeType, outcome === "longest" ? "longest" : "");
    });
    recording = { end };
    recorder.start();
    showRecording(true);
    tell("recording");
  };

  recorderButtons.record.addEventListener("click", async () => {
    if (recording) return;
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
      tell("unable");
      return;
    }
    tell("asking");
    recording = {};
    try {
      record(await navigator.mediaDevices.getUserMedia({ audio: true }));
    } catch (error) {
      recording = null;
      tell(troubles[error.name] ?? "busy");
    }
  });
  recorderButtons.stop.addEventListener("click", () => recording?.end?.("sent"));
  recorderButtons.discard.addEventListener("click", () => recording?.end?.("discarded"));
  $("gravador").hidden = false;

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
