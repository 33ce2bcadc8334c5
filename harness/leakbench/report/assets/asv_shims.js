/* What asv's dashboard needs of two small libraries that no package of the lock files carries. */
(function ($) {
  "use strict";

  /* asv names by it what a person has hidden, in this browser alone: any distinct text will do. */
  window.md5 = function (text) { return encodeURIComponent(text); };

  /* Sort a table's body by a click on a heading, as stupidtable does: by `data-sort` of the heading, which
     names a comparison, and `data-sort-value` of the cell, where its text is not what it sorts by. */
  const comparisons = {
    string: (a, b) => String(a).localeCompare(String(b)),
    float: (a, b) => parseFloat(a) - parseFloat(b),
    int: (a, b) => parseInt(a, 10) - parseInt(b, 10),
  };
  const value = (row, column) => {
    const cell = $(row).children().eq(column);
    return cell.attr("data-sort-value") ?? cell.text().trim();
  };

  $.fn.stupidtable = function (own) {
    return this.each(function () {
      const table = $(this).data("comparisons", { ...comparisons, ...own });
      table.on("click", "thead th", function () { $(this).stupidsort(); });
    });
  };

  $.fn.stupidsort = function (wanted) {
    return this.each(function () {
      const heading = $(this), table = heading.closest("table"), column = heading.index();
      const direction = wanted || (heading.data("direction") === "asc" ? "desc" : "asc");
      const compare = table.data("comparisons")[heading.data("sort")];
      if (!compare) return;
      const sign = direction === "asc" ? 1 : -1;
      const rows = table.children("tbody").children("tr").get();
      rows.sort((a, b) => sign * compare(value(a, column), value(b, column)));
      table.children("tbody").append(rows);
      heading.data("direction", direction);
      table.trigger("aftertablesort", { column: column, direction: direction });
    });
  };
})(jQuery);
