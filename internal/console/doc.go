// Package console is what people and programs see of Skald over HTTP: the Onboarding page, the JSON API with its OpenAPI
// document, the live streams, health and metrics.
//
// It tells what the tracker tells and keeps nothing of its own: a page is rendered whole by html/template, then patched by
// Server-Sent Events with fragments that the same templates made. It may import internal/tracker and internal/mailbox for
// what they tell, services/events and services/demo for the types of the Onboarding page, and the root package for its
// errors; it knows no broker and no SQL.
//
// Start reading at config.go (what it is given) and console.go (which address leads where); then board.go and row.go
// for the page, live.go for what keeps it up to date, and api.go for the API.
package console
