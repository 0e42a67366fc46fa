// Package words writes times, counts and lists as the console's sentences want them. It imports the tracker for how long
// something lasted, so that page, API and terminal say that in the same form.
package words
