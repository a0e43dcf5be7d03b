// The keyboard: rows with j and k, the search field with /, pages with g, help with ?.
const places = { r: "/requests", t: "/traces", o: "/overview", c: "/costs", a: "/alerts", u: "/audit" };

export function startKeys() {
  const help = document.getElementById("help");
  const button = document.querySelector("[data-help]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
  let isGoing = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest("input, select, textarea");
    if (field) {
      if (event.key === "Escape") field.blur();
      return;
    }
    if (help.open) return;
    const wasGoing = isGoing;
    isGoing = event.key === "g";
    if (wasGoing && places[event.key]) {
      location.assign(places[event.key]);
    } else if (event.key === "j") {
      step(1);
    } else if (event.key === "k") {
      step(-1);
    } else if (event.key === "p") {
      document.querySelector("[data-live]")?.click();
    } else if (event.key === "?") {
      help.showModal();
    } else if (event.key === "/") {
      document.querySelector("[data-search]")?.focus();
    } else {
      return;
    }
    event.preventDefault();
  });
}

function step(by) {
  const rows = [...document.querySelectorAll(".row-link, .span > summary")];
  const here = rows.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by;
  const row = rows[Math.min(Math.max(next, 0), rows.length - 1)];
  if (!row) return;
  row.focus({ focusVisible: true });
  row.closest("tr, details").scrollIntoView({ block: "nearest" });
}
