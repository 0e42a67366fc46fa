package consoletest

import (
	"slices"
)

// IDs are those of all sagas, in order.
func (f *Tracker) IDs() []string {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	ids := make([]string, 0, len(f.ByID))
	for id := range f.ByID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
