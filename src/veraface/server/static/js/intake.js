// All ways a picture comes in: choosing, dropping anywhere, pasting.

/**
 * Calls `take(file, notice)` for each picture, `refuse(notice)` where something came that is no file; notices are
 * named as in languages/.
 */
export function setUpIntake({ input, choosers, veil }, take, refuse) {
  for (const chooser of choosers) chooser.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    takeFirst(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    if (!files.length) return;
    event.preventDefault();
    takeFirst(files);
  });
  setUpDrop();

  function takeFirst(files) {
    if (files.length) take(files[0], files.length > 1 ? "intake.onlyFirst" : "");
  }

  function setUpDrop() {
    let depth = 0; // dragenter and dragleave come for every element on the way
    const show = (visible) => {
      if (!visible) depth = 0;
      veil.classList.toggle("visible", visible);
    };
    addEventListener("dragenter", (event) => {
      event.preventDefault();
      depth += 1;
      show(true);
    });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("dragleave", () => {
      depth -= 1;
      if (depth <= 0) show(false);
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      show(false);
      const files = event.dataTransfer?.files ?? [];
      if (files.length) takeFirst(files);
      else refuse("intake.notAFile");
    });
  }
}
