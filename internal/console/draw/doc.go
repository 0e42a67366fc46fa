// Package draw makes the console's small charts: lines over time, shares of a whole, bars by the minute. Each is SVG in attributes alone, as
// the console's security policy forbids styles in them; shell/chart.css gives the classes their colours. It stretches to the element that it
// stands in, as coordinates are of a box without proportions. The same input gives the same bytes, so that a chart that hasn't changed isn't
// sent again.
package draw
