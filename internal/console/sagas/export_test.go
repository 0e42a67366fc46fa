package sagas

// HopsOf is what threads are drawn by.
var HopsOf = hopsOf
