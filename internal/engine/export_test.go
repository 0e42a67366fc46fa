package engine

// VersionsOf is for tests: a test binary tells of no versions.
var VersionsOf = versionsOf
