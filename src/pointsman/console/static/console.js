// The parts of the pages that move. Every page works without them.
import { startCopying } from "./copying.js";
import { startFilters } from "./filters.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startTheme } from "./theme.js";

const form = document.querySelector("form[data-send-at-once]");
if (form) {
  history.replaceState(null, "", "/login"); // the token does not stay in the history
  form.requestSubmit();
}
startTheme();
startCopying();
startFilters();
startKeys();
startLive();
