// A box above long tables that hides the rows without the words typed. Loaded on every page; does nothing without a table.
document$.subscribe(() => {
  for (const place of document.querySelectorAll(".filterable")) {
    const table = place.querySelector("table");
    if (!table || place.querySelector("input")) continue;
    const rows = [...table.querySelectorAll("tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = place.dataset.label;
    box.setAttribute("aria-label", place.dataset.label);
    const count = document.createElement("span");
    count.setAttribute("role", "status");
    const apply = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        row.hidden = !words.every((word) => texts[index].includes(word));
        shown += !row.hidden;
      });
      count.textContent = `${shown} of ${rows.length}`;
    };
    box.addEventListener("input", apply);
    place.prepend(box, count);
    const asked = new URLSearchParams(location.search).get("find");
    if (asked) box.value = asked;
    apply();
  }
});
