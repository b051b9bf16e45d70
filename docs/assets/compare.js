// Two engine generations side by side: hides the other columns, and the rows in which both say the same.
document$.subscribe(() => {
  const place = document.querySelector(".compare");
  if (!place || place.querySelector("select")) return;
  const tables = [...document.querySelectorAll(".comparable")].map((part) => ({
    table: part.querySelector("table"),
    labels: Number(part.dataset.labels),
  }));
  const names = [...tables[0].table.tHead.rows[0].cells].slice(tables[0].labels).map((cell) => cell.innerText.replace("\n", ": "));
  const choices = ["Compare", "with"].map((word, number) => {
    const label = document.createElement("label");
    label.textContent = `${word} `;
    const select = document.createElement("select");
    select.add(new Option(number ? "..." : "all generations", ""));
    names.forEach((name, index) => select.add(new Option(name, index)));
    label.append(select);
    place.append(label, " ");
    return select;
  });
  const count = document.createElement("span");
  count.setAttribute("role", "status");
  place.append(count);
  const apply = () => {
    const chosen = choices.map((choice) => choice.value).filter((value) => value !== "").map(Number);
    let differ = 0;
    for (const { table, labels } of tables) {
      for (const row of [...table.tHead.rows, ...table.tBodies[0].rows]) {
        const cells = [...row.cells].slice(labels);
        cells.forEach((cell, index) => (cell.hidden = chosen.length > 0 && !chosen.includes(index)));
        if (row.parentNode === table.tHead) continue;
        const texts = new Set(chosen.map((index) => cells[index].textContent.trim()));
        row.hidden = chosen.length === 2 && (texts.size === 1 || texts.has(""));
        differ += chosen.length === 2 && !row.hidden;
      }
    }
    count.textContent = chosen.length === 2 ? `${differ} differences` : "";
  };
  const asked = (new URLSearchParams(location.search).get("compare") || "").split(",");
  choices.forEach((choice, number) => {
    const found = names.findIndex((name) => name.split(/[:,] ?/).includes(asked[number]));
    if (found >= 0) choice.value = found;
    choice.addEventListener("change", apply);
  });
  apply();
});
