// Package redrive gives the dead letters of a cause back to their service, or gives them up, at a rate that the service can take, and
// follows what becomes of them. A run goes on in the console when the page is closed; it ends with the console. Nothing is lost then: a
// letter that hasn't been asked for stays open, and each is admitted once, so the cause can be redriven again.
//
// It asks the tracker which letters there are and what has become of them, and services by a client. Start reading at Runner; run.go is
// how one run goes.
package redrive
