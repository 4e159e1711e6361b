// Runs before the first paint so that a light-theme reader never sees a dark flash. A file of its own, because the
// content security policy allows no inline script.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem('voltwin.theme');
  } catch {
    stored = null;
  }
  var light =
    stored === 'light' || (stored !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches);
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
})();
