// Package onboarding is the front page of `skald up`: the button, Trace Mode, the chain of services, and a row per user that
// ticks live. A board (board.go) is what the page shows at one moment; boards are shared by all clients of one view, and
// watcher (live.go) sends each client the rows and parts that have changed. Start reading at handler.onboarding.
package onboarding
