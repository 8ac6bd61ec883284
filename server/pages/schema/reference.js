// Shows what has the words searched for in its name or description; without any, everything.
const search = document.getElementById("search");
const sections = [...document.querySelectorAll("main > section")];
const links = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.getAttribute("href").slice(1), link]));

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (element) => words.every((word) => element.textContent.toLowerCase().includes(word));
  for (const section of sections) {
    const named = words.every((word) => section.dataset.name.toLowerCase().includes(word));
    let any = named;
    for (const entry of section.querySelectorAll("section > dl > div")) {
      entry.hidden = !named && !holds(entry);
      any ||= !entry.hidden;
    }
    section.hidden = !any;
    links.get(section.id).parentElement.hidden = !any;
  }
}

function leave() {
  if (document.querySelector(":target")?.offsetParent === null) {
    search.value = "";
    find();
    document.querySelector(":target").scrollIntoView();
  }
}

search.addEventListener("input", () => {
  find();
  scrollTo(0, 0);
});
addEventListener("hashchange", leave);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
