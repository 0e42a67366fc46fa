// Dialogs: what has data-close closes the one that it's in. A modal one gives the focus back by itself.
export function startDialogs() {
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (!close || event.defaultPrevented) return;
    close.closest("dialog").close();
  });
}
