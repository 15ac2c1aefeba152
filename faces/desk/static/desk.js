// The little that a page of forms and links can't do: dropping, pasting and taking a photo, drawing a box,
// keys for the review, and a button that sends a form once. Everything else works without it.
"use strict";

const each = (selector, use) => document.querySelectorAll(selector).forEach(use);

// A form is sent once, however often its button is pressed.
addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
});
// Back in the history, a page may come as it was left.
addEventListener("pageshow", (event) => event.persisted && location.reload());

each("[data-drop]", (form) => {
  const input = form.querySelector("input[type=file]");
  const words = form.querySelector(".words");
  const preview = form.querySelector(".preview");
  const status = form.querySelector("[data-status]");
  const most = Number(form.dataset.most);

  const say = (text, bad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  };
  const look = (file) => {
    if (!file) return;
    if (file.size > most) return say(`${file.name} has ${Math.round(file.size / 1e6)} MB: a photo may have ${Math.round(most / 1e6)} MB.`, true);
    if (!file.size) return say(`${file.name} is empty.`, true);
    if (input.files[0] !== file) {
      const carried = new DataTransfer();
      carried.items.add(file);
      input.files = carried.files;
    }
    preview.src = URL.createObjectURL(file);
    preview.hidden = false;
    preview.onerror = () => { preview.hidden = true; words.hidden = false; };
    words.hidden = true;
    form.classList.add("busy");
    say("Looking for faces …");
    form.requestSubmit();
  };

  input.addEventListener("change", () => look(input.files[0]));
  addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  addEventListener("dragleave", () => form.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    const file = event.dataTransfer.files[0];
    file ? look(file) : say("That was no file: drop a photo.", true);
  });
  addEventListener("paste", (event) => {
    if (event.target.matches("input[type=text]")) return;
    const file = [...event.clipboardData.files][0];
    file ? look(file) : say("There is no photo in the clipboard.", true);
  });

  const camera = form.querySelector("[data-camera]");
  const finder = form.querySelector("[data-viewfinder]");
  if (!navigator.mediaDevices?.getUserMedia) return;
  camera.hidden = false;
  camera.addEventListener("click", async () => {
    const video = finder.querySelector("video");
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
      await video.play();
      finder.hidden = false;
      finder.querySelector("[data-shoot]").focus();
    } catch {
      say("The camera can't be used: allow it in the browser, or choose a file.", true);
    }
  });
  form.querySelector("[data-shoot]").addEventListener("click", () => {
    const video = finder.querySelector("video");
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    video.srcObject.getTracks().forEach((track) => track.stop());
    finder.hidden = true;
    canvas.toBlob((blob) => look(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
  });
});

// A box drawn over the photo fills the form of a missed face.
each("[data-draw]", (photo) => {
  const boxes = photo.querySelector(".boxes");
  const details = document.querySelector("[data-add]");
  if (!boxes || !details) return;
  const field = (side) => details.querySelector(`[name=${side}]`);
  let rect = null, start = null;
  const at = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(boxes.getScreenCTM().inverse());
    const { width, height } = boxes.viewBox.baseVal;
    return [Math.min(Math.max(point.x, 0), width), Math.min(Math.max(point.y, 0), height)];
  };
  const show = (box) => {
    rect ??= boxes.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    rect.setAttribute("class", "drawn");
    rect.setAttribute("vector-effect", "non-scaling-stroke");
    for (const [side, value] of Object.entries(box)) rect.setAttribute(side, value);
  };
  const drawn = () => Object.fromEntries(["x", "y", "width", "height"].map((side) => [side, Number(field(side).value) || 0]));
  details.addEventListener("toggle", () => photo.classList.toggle("drawing", details.open));
  details.addEventListener("input", (event) => event.target.inputMode === "numeric" && show(drawn()));
  boxes.addEventListener("pointerdown", (event) => {
    if (!details.open) return;
    event.preventDefault();
    boxes.setPointerCapture(event.pointerId);
    start = at(event);
  });
  boxes.addEventListener("pointermove", (event) => {
    if (!start) return;
    const end = at(event);
    const box = {
      x: Math.round(Math.min(start[0], end[0])), y: Math.round(Math.min(start[1], end[1])),
      width: Math.round(Math.abs(end[0] - start[0])), height: Math.round(Math.abs(end[1] - start[1])),
    };
    for (const [side, value] of Object.entries(box)) field(side).value = value;
    show(box);
  });
  boxes.addEventListener("pointerup", () => { start = null; });
});

// A box's link leads to its face in the list: it selects that, too.
each(".box[href^='#face-']", (link) => link.addEventListener("click", () => {
  const box = document.querySelector(`${link.getAttribute("href")} input[type=checkbox]`);
  if (box) box.checked = !box.checked;
}));

// Names that are known, for the fields that take one.
each("[data-names]", (input) => {
  let asked = "";
  input.addEventListener("input", async () => {
    const wanted = input.value.trim();
    if (!wanted || wanted === asked) return;
    asked = wanted;
    const answer = await fetch(`/names?q=${encodeURIComponent(wanted)}`).catch(() => null);
    if (!answer?.ok || asked !== wanted) return;
    const { names } = await answer.json();
    document.querySelector("#people").replaceChildren(...names.map((name) => {
      const option = document.createElement("option");
      option.value = name;
      return option;
    }));
  });
});

each("[data-keys]", (form) => addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const button = form.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); button.click(); }
}));
// Enter in the name's field means that name, and not the first button of the form.
each("[data-enter]", (button) => button.form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) { event.preventDefault(); button.click(); }
}));
each("[data-select] .decide input[name=name]", (input) => input.addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); input.form.querySelector("button[value=label]").click(); }
}));
