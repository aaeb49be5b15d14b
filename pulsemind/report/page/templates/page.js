
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const cases = [...document.querySelectorAll("details.case")];

  const filter = () => {
    const department = byId("department").value;
    const dimension = byId("dimension").value;
    const outcome = byId("outcome").value;
    let shown = 0;
    for (const one of cases) {
      const fits = (!department || one.dataset.department === department) &&
        (!outcome || one.getAttribute("data-" + dimension) === outcome);
      const pill = one.querySelector("summary .pill");
      const found = one.getAttribute("data-" + dimension);
      pill.textContent = found;
      pill.className = "pill " + found;
      one.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    byId("matching").textContent = shown + " shown";
  };

  // A link to a case shows it, whatever the filters hide.
  const open = () => {
    const one = byId(location.hash.slice(1));
    if (one && one.matches("details.case")) {
      one.hidden = false;
      one.open = true;
      one.scrollIntoView();
    }
  };

  if (byId("filters")) {
    byId("filters").addEventListener("change", filter);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    filter();
    addEventListener("hashchange", open);
    open();
  }

  // A table that does not fit says so; one in a shut <details> has no size until it opens.
  // In the next frame, because the hint changes the size that is observed.
  const sizes = new ResizeObserver((seen) => requestAnimationFrame(() => seen.forEach(({ target }) => {
    target.classList.toggle("wide", target.scrollWidth > target.clientWidth + 1);
  })));
  document.querySelectorAll(".scroll").forEach((one) => sizes.observe(one));

  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.folded:not([open])")];
    folded.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));
})();
