// New rows as they arrive. While the reader has scrolled, points at a row or has paused, they wait.
const MOST_ROWS = 200;

export function startLive() {
  const button = document.querySelector("[data-live]");
  const table = document.querySelector("[data-rows]");
  if (!button || !table) return;
  new LiveList(button, table).listen();
}

class LiveList {
  constructor(button, table) {
    this.button = button;
    this.text = button.querySelector("[data-live-text]");
    this.table = table;
    this.body = table.tBodies[0];
    this.fresh = document.querySelector("[data-fresh]");
    this.position = button.dataset.position;
    this.waiting = [];
    this.gap = null;
    this.isPaused = false;
    this.isHovered = false;
    this.source = null;
    this.isLost = false;
    button.hidden = false;
    button.addEventListener("click", () => { this.isPaused = !this.isPaused; this.settle(); });
    this.body.addEventListener("pointerenter", (event) => {
      this.isHovered = event.pointerType === "mouse";
      this.settle();
    });
    this.body.addEventListener("pointerleave", () => { this.isHovered = false; this.settle(); });
    addEventListener("scroll", () => this.settle(), { passive: true });
    this.body.addEventListener("focusout", () => setTimeout(() => this.settle()));
    this.fresh.addEventListener("click", () => { scrollTo(0, 0); this.show(); });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.close();
      else this.listen();
    });
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.listen(); });
  }

  listen() {
    if (this.source || document.hidden) return;
    const address = new URL(this.button.dataset.live, location.href);
    address.searchParams.set("after", this.position);
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => { this.isLost = false; this.settle(); });
    this.source.addEventListener("rows", (event) => {
      this.position = event.lastEventId;
      this.take(JSON.parse(event.data));
    });
    this.source.addEventListener("error", () => {
      this.isLost = true;
      if (this.source?.readyState === EventSource.CLOSED) {
        // The browser gives up after an error answer; a collector that starts again is found so.
        this.close();
        setTimeout(() => this.listen(), 3000);
      }
      this.settle();
    });
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  isHeld() {
    return this.isPaused || this.isHovered || scrollY > 80 || this.body.contains(document.activeElement);
  }

  take(news) {
    if (news.gap) {
      this.waiting = [];
      this.gap = news;
    }
    this.waiting = [...news.rows, ...this.waiting].slice(0, MOST_ROWS);
    this.settle();
  }

  settle() {
    const state = this.isLost ? "lost" : this.isPaused ? "paused" : this.isHeld() ? "held" : "on";
    this.button.dataset.state = state;
    this.button.setAttribute("aria-pressed", String(!this.isPaused));
    this.text.textContent = { lost: "reconnecting", paused: "paused", held: "held", on: "live" }[state];
    if (!this.isHeld()) this.show();
    const count = this.waiting.length;
    this.fresh.hidden = count === 0;
    this.fresh.textContent = `${count}${count >= MOST_ROWS || this.gap ? "+" : ""} newer ${count === 1 ? "request" : "requests"}`;
  }

  show() {
    if (this.gap) {
      this.body.replaceChildren();
      const older = document.querySelector("[data-older]");
      if (older && this.gap.older) older.href = this.gap.older;
      this.gap = null;
    }
    // Oldest first, each before the first row that started earlier than it.
    for (const [id, started, markup] of this.waiting.reverse()) this.insert(id, started, markup);
    if (this.waiting.length) document.querySelector("[data-empty]").hidden = true;
    this.waiting = [];
    this.fresh.hidden = true;
    while (this.body.rows.length > MOST_ROWS) this.body.lastElementChild.remove();
  }

  insert(id, started, markup) {
    this.body.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    const holder = document.createElement("template");
    holder.innerHTML = markup;
    const row = holder.content.firstElementChild;
    row.classList.add("is-fresh");
    const later = [...this.body.rows].find((other) => Number(other.dataset.started) <= started);
    this.body.insertBefore(row, later ?? null);
  }
}
