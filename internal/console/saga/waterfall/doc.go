// Package waterfall works out how a saga's time is drawn: one lane per service, bars where it queued and ran, threads between them, and
// what is to come. It is pure: a timeline and a time go in, shapes come out, in per cent of the chart's width and pixels of its
// height. It imports the tracker's model and the console's words. Start reading at Draw.
package waterfall
