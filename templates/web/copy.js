// Puts a button behind each address that copies it. Without this script the
// address can be marked and copied by hand.
for (const box of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = box.dataset.copy;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = box.dataset.copied;
      setTimeout(() => { button.textContent = box.dataset.copy; }, 2000);
    } catch {
      getSelection().selectAllChildren(box.querySelector("code"));
    }
  });
  box.append(" ", button);
}
