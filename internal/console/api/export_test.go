package api

// StreamBatch is how many sagas one tick brings at most.
const StreamBatch = streamBatch

var By = by
