// Package traffic counts events on their ways: per way and minute, and per way and hour, how many there were and how long they took, as an
// additive histogram. All it does is add, so the order of counting doesn't matter, and what was counted can be taken back.
//
// It is pure: time goes in, and rows of bytes come out for whoever stores them. It may import the standard library. Start reading at
// tally.go (what is counted), then book.go (all of it, in memory).
package traffic
