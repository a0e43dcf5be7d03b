// Filters apply when chosen, and leave what is empty out of the address.
export function startFilters() {
  const form = document.querySelector("form[data-filters]");
  if (!form) return;
  form.querySelector("[data-apply]").hidden = true;
  const unused = () => [...form.elements].filter((field) => field.name && !field.value);
  form.addEventListener("submit", () => {
    for (const field of unused()) field.disabled = true;
  });
  form.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT") form.requestSubmit();
  });
  // Back in the history a page comes as it was left.
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}
