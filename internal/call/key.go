package call

// IdempotencyKey names one effect: what the step of service on inputTopic does for one saga (or, for an event of no saga, for
// that event). It is the same over retries, redrives, crashes and rebalances.
func IdempotencyKey(subjectID, service, inputTopic string) string {
	return subjectID + "/" + service + "/" + inputTopic
}
