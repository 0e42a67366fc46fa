package tracker

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// How long an instance is listed that isn't up any more.
const (
	listedGone   = 10 * time.Minute // it said goodbye
	listedSilent = 24 * time.Hour
)

// rateOver is the time that rates are taken over.
const rateOver = time.Minute

// count is what an instance has said of its work at a time, by its own clock.
type count struct {
	at      time.Time
	handled int64
}

// counted adds what an announcement says to what was known of the instance's work.
func (i *instance) counted(known *instance) {
	if known != nil && known.Started.Equal(i.Started) {
		i.counts = known.counts
	}
	last := len(i.counts) - 1
	if last >= 0 && (i.Handled < i.counts[last].handled || !i.Time.After(i.counts[last].at)) {
		i.counts = nil // it began anew, or its clock did
	}
	i.counts = append(slices.Clip(i.counts), count{i.Time, i.Handled})
	for len(i.counts) > 2 && i.Time.Sub(i.counts[1].at) >= rateOver {
		i.counts = i.counts[1:]
	}
}

// rate is how many events a second the instance has finished of late.
func (i *instance) rate() float64 {
	if len(i.counts) < 2 {
		return 0
	}
	first, last := i.counts[0], i.counts[len(i.counts)-1]
	return float64(last.handled-first.handled) / last.at.Sub(first.at).Seconds()
}

// state says how an instance is, and since when. Of one that is silent the sender's clock doesn't count.
func (r *registry) state(i *instance, now time.Time) (state string, since time.Time) {
	switch {
	case i.Stopped:
		return Gone, i.heard
	case !r.isUp(i, now):
		return Down, i.heard
	case i.Draining:
		return Draining, i.drains
	}
	return Up, i.Started
}

// listed says whether people are told of an instance.
func (r *registry) listed(i *instance, now time.Time) bool {
	if !r.deaf.IsZero() {
		now = r.deaf
	}
	if i.Stopped {
		return now.Sub(i.heard) < listedGone
	}
	return r.isUp(i, now) || now.Sub(i.heard) < listedSilent
}

// services tells of all services by name, and of their instances, those that were started last first.
func (r *registry) services(now time.Time, lags map[string]groupLag) []Service {
	r.mu.RLock()
	defer r.mu.RUnlock()
	byName := map[string][]*instance{}
	for _, i := range r.instances {
		byName[i.Service] = append(byName[i.Service], i)
	}
	all := make([]Service, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, r.service(name, byName[name], now, lags[name]))
	}
	return all
}

func (r *registry) service(name string, instances []*instance, now time.Time, lag groupLag) Service {
	s := Service{Name: name, State: Gone, Versions: r.versions(r.bestFirst(instances, now), now), Lag: lag.total(), Topics: lag.topics()}
	slices.SortStableFunc(instances, func(a, b *instance) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Instance, b.Instance))
	})
	owner := map[int32]*instance{}
	for _, i := range instances {
		if r.isUp(i, now) {
			for _, p := range i.Partitions {
				if owner[p] == nil || owner[p].Time.Before(i.Time) { // in a rebalance two may say so: the one that was heard last
					owner[p] = i
				}
			}
		}
	}
	s.Partitions = slices.Sorted(maps.Keys(owner))
	rank := map[string]int{Up: 3, Draining: 2, Down: 1}
	for _, i := range instances {
		if !r.listed(i, now) {
			continue
		}
		told := r.instance(i, now, owner, lag)
		if rank[told.State] > rank[s.State] {
			s.State = told.State
		}
		if told.Up {
			s.InHand, s.Handled, s.Rate = s.InHand+told.InHand, s.Handled+told.Handled, s.Rate+told.Rate
		}
		s.Instances = append(s.Instances, told)
	}
	return s
}

func (r *registry) instance(i *instance, now time.Time, owner map[int32]*instance, lag groupLag) Instance {
	told := Instance{
		Name: i.Instance, Started: i.Started, LastSeen: i.Time, Version: i.Program, Library: i.Library,
		Partitions: slices.Clone(i.Partitions), Lag: UnknownLag, InHand: i.InHand, Handled: i.Handled,
	}
	told.State, told.Since = r.state(i, now)
	if told.Up = told.State == Up || told.State == Draining; told.Up {
		told.Rate, told.Lag = i.rate(), lag.of(i.Partitions)
		return told
	}
	taken := map[string][]int32{}
	for _, p := range i.Partitions {
		if by := owner[p]; by != nil {
			taken[by.Instance] = append(taken[by.Instance], p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		told.TakenBy = append(told.TakenBy, Takeover{name, taken[name]})
	}
	return told
}
