package onboarding

// What tests of the whole page need of its inside.
type (
	Patch = patch
	View  = view
)

const (
	MaxRows     = maxRows
	RowsPerTick = rowsPerTick
)
