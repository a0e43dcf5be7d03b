// Before the first paint: tell the server the viewer's time zone, once, so that it draws in it.
(() => {
  const name = "pointsman_zone";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = document.cookie.split("; ").includes(`${name}=${zone}`);
  if (!zone || known) return;
  document.cookie = `${name}=${zone}; path=/; max-age=31536000; samesite=lax`;
  const kept = document.cookie.split("; ").includes(`${name}=${zone}`);
  const drawn = document.documentElement.dataset.zone;
  if (kept && drawn && drawn !== zone) location.reload();
})();
