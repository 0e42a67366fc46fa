package shell

// Badge is a number beside a room's name in the side bar of every page, kept up to date. It isn't shown while it is 0.
type Badge struct {
	Class string // bad
	What  string // is counted, for who can't see where it stands
	Count func() int64
}

type badge struct {
	Room, Class, What string
	N                 int64
}

// SetBadge is for rooms to call when they register. Count is asked for every page, and up to ten times a second for each that is open.
func (s *Shell) SetBadge(room string, b Badge) { s.badges[room] = b }

func (s *Shell) badge(room string) *badge {
	b, ok := s.badges[room]
	if !ok {
		return nil
	}
	return &badge{room, b.Class, b.What, b.Count()}
}
