// Package shell is what all pages of the console share: the frame with the side bar, how far behind the log it is, templates
// and assets, live updates of a page's parts. It knows no page: each is a room of its own that brings its files along and
// registers its routes. Start reading at Shell.
package shell
