// The page of the back end. What comes from a model or a memory is put in as text, never as markup.
const el = (id) => document.getElementById(id);
const session = crypto.randomUUID ? crypto.randomUUID() : `page-${Date.now()}-${Math.random()}`;
let running = null;

function headers(more = {}) {
  const key = el("key").value.trim();
  return { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...more };
}

async function ask(path, body, signal) {
  const options = { headers: headers(), signal };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    options.headers = headers({ "Content-Type": "application/json" });
  }
  const response = await fetch(path, options);
  if (!response.ok && path !== "/ready") throw new Error(await causeOf(response));
  return response;
}

async function causeOf(response) {
  try {
    return (await response.json()).cause;
  } catch {
    return `status ${response.status}`;
  }
}

// Events of a stream as [name, data]; an event ends with an empty line.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const name = /^event: ?(.*)$/m.exec(block);
      const data = /^data: ?(.*)$/m.exec(block);
      if (name && data) yield [name[1], JSON.parse(data[1])];
    }
  }
}

function said(who) {
  const line = document.createElement("p");
  const name = document.createElement("b");
  name.textContent = who;
  const text = document.createElement("span");
  line.append(name, text);
  el("log").append(line);
  return text;
}

function tell(id, text, bad = false) {
  el(id).textContent = text;
  el(id).classList.toggle("bad", bad);
}

async function chat(message) {
  running = new AbortController();
  el("send").disabled = true;
  el("stop").disabled = false;
  tell("chat-status", "Answering…");
  said("You").textContent = message;
  const answer = said("Harvis");
  const log = el("log");
  // A screen reader reads the answer when it is complete, not word by word.
  log.setAttribute("aria-busy", "true");
  let end = "";
  let bad = false;
  try {
    const response = await ask("/api/chat", { message, session_id: session }, running.signal);
    end = "The answer broke off.";
    bad = true;
    for await (const [name, data] of events(response)) {
      if (name === "token") answer.append(data.text);
      if (name === "done") [end, bad] = [`${data.tokens} tokens by ${data.model}.`, false];
      if (name === "error") [end, bad] = [data.cause, true];
      log.scrollTop = log.scrollHeight;
    }
  } catch (error) {
    [end, bad] = error.name === "AbortError" ? ["Stopped.", false] : [error.message, true];
  }
  running = null;
  log.setAttribute("aria-busy", "false");
  el("send").disabled = false;
  el("stop").disabled = true;
  tell("chat-status", end, bad);
  el("message").focus();
  if (!bad && el("aloud").checked && answer.textContent.trim()) await speak(answer.textContent);
  status();
}

// One sentence is heard while the next is made.
async function speak(text) {
  const player = el("player");
  const waiting = [];
  let next = null;
  const play = () => {
    const wav = waiting.shift();
    next = wav ? null : play;
    if (!wav) return;
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(wav);
    player.hidden = false;
    player.play().catch(() => tell("chat-status", "The browser waits for you to press play."));
  };
  next = play;
  player.onended = play;
  try {
    const response = await ask("/api/speak", { text: text.slice(0, 5000), stream: true });
    for await (const [name, data] of events(response)) {
      if (name === "audio") {
        const bytes = Uint8Array.from(atob(data.wav), (character) => character.charCodeAt(0));
        waiting.push(new Blob([bytes], { type: "audio/wav" }));
        if (next) next();
      }
      if (name === "degraded") tell("chat-status", `Not spoken: ${data.degraded}`, true);
      if (name === "error") tell("chat-status", `Not spoken: ${data.cause}`, true);
    }
  } catch (error) {
    tell("chat-status", `Not spoken: ${error.message}`, true);
  }
}

async function remember(text) {
  tell("memory-status", "Writing it down…");
  try {
    await ask("/api/memories", { text });
    el("memory").value = "";
    tell("memory-status", "Remembered.");
  } catch (error) {
    tell("memory-status", error.message, true);
  }
}

async function recall(query) {
  tell("memory-status", "Looking for it…");
  el("beats").replaceChildren();
  tell("retelling", "");
  try {
    const found = await (await ask("/api/recall", { query, retell: el("retell").checked })).json();
    for (const beat of found.beats) {
      const item = document.createElement("li");
      item.textContent = `${beat.text} (${beat.perceived_age})`;
      el("beats").append(item);
    }
    tell("retelling", found.retelling ?? "");
    const number = found.beats.length;
    const told = number === 1 ? "One memory." : `${number || "No"} memories.`;
    tell("memory-status", found.degraded ? `${told} ${found.degraded}` : told, Boolean(found.degraded));
  } catch (error) {
    tell("memory-status", error.message, true);
  }
}

function device(loaded, cuda) {
  if (loaded.length === 0) return cuda.available ? "GPU, with no model loaded yet" : "no model loaded yet";
  const [model] = loaded;
  if (model.size_vram === 0) return "CPU";
  return model.size_vram >= model.size ? "GPU" : `GPU and CPU: ${Math.floor((100 * model.size_vram) / model.size)} % on the GPU`;
}

function voice(speech) {
  const usable = speech.engines.findIndex((engine) => engine.available);
  const missing = (usable < 0 ? speech.engines : speech.engines.slice(0, usable)).map((engine) => `${engine.name}: ${engine.cause}`);
  if (usable < 0) return `none (${missing.join("; ") || "turned off"})`;
  const { name, device: where } = speech.engines[usable];
  const on = `${name} on the ${where === "cuda" ? "GPU" : where.toUpperCase()}`;
  return missing.length ? `${on} (${missing.join("; ")})` : on;
}

async function shown(id, work) {
  try {
    tell(id, await work());
  } catch (error) {
    tell(id, error.message, true);
  }
}

async function status() {
  const diagnostics = ask("/api/diagnostics").then((response) => response.json());
  await Promise.all([
    shown("status-model", async () => {
      const { models, default: name } = await (await ask("/api/models")).json();
      const model = models.find((each) => each.name === name || each.name === `${name}:latest`);
      if (!model) throw new Error(`${name} is not there`);
      return model.weights ? `${name} (${model.weights})` : name;
    }),
    shown("status-device", async () => {
      const { ollama, cuda } = await diagnostics;
      if (ollama.cause) throw new Error(ollama.cause);
      return device(ollama.loaded, cuda);
    }),
    shown("status-speech", async () => voice((await diagnostics).speech)),
    shown("status-ready", async () => {
      const { ready, checks } = await (await ask("/ready")).json();
      const missing = Object.entries(checks).filter(([, check]) => !check.ok);
      if (!ready) throw new Error(missing.map(([name, check]) => `${name}: ${check.cause}`).join("; "));
      return "yes";
    }),
  ]);
}

function onSubmit(form, field, work) {
  el(form).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = el(field).value.trim();
    if (text) work(text);
  });
}

onSubmit("chat", "message", (text) => {
  if (running) return;
  el("message").value = "";
  chat(text);
});
onSubmit("remember", "memory", remember);
onSubmit("recall", "query", recall);
el("stop").addEventListener("click", () => running?.abort());
el("key").addEventListener("change", status);
el("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    el("chat").requestSubmit();
  }
});
status();
