// Package consoletest tries the console without Kafka: a tracker, a client and a demo that do what a script says, requests, streams
// and a browser.
package consoletest
