package main

import (
	"slices"
	"strings"
	"testing"
)

// permutations gives all orders of parts.
func permutations(parts []string) [][]string {
	if len(parts) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i, first := range parts {
		rest := slices.Delete(slices.Clone(parts), i, i+1)
		for _, p := range permutations(rest) {
			all = append(all, append([]string{first}, p...))
		}
	}
	return all
}

// coveringOrders picks orders such that any strength parts stand in every order among themselves in one of them (a sequence covering
// array; Kuhn et al., "Combinatorial Methods for Event Sequence Testing", 2012): always the order next that adds most.
func coveringOrders(parts []string, strength int) [][]string {
	all := permutations(parts)
	covered := map[string]bool{}
	var picked [][]string
	for {
		best, most := 0, 0
		for i, order := range all {
			fresh := 0
			for _, s := range subsequences(order, strength) {
				if !covered[s] {
					fresh++
				}
			}
			if fresh > most {
				best, most = i, fresh
			}
		}
		if most == 0 {
			return picked
		}
		picked = append(picked, all[best])
		for _, s := range subsequences(all[best], strength) {
			covered[s] = true
		}
	}
}

// subsequences gives what is left of an order when all but n parts are taken out.
func subsequences(order []string, n int) []string {
	if n == 0 {
		return []string{""}
	}
	var all []string
	for i := range order {
		for _, rest := range subsequences(order[i+1:], n-1) {
			all = append(all, order[i]+" "+rest)
		}
	}
	return all
}

func TestCoveringOrdersCover(t *testing.T) {
	for strength, most := range map[int]int{2: 2, 3: 12, 4: 50} {
		orders := coveringOrders(startupParts, strength)
		if len(orders) > most {
			t.Errorf("strength %d: %d orders, at most %d are needed", strength, len(orders), most)
		}
		seen := map[string]bool{}
		for _, order := range orders {
			for _, s := range subsequences(order, strength) {
				seen[s] = true
			}
		}
		for _, order := range permutations(startupParts) {
			if want := strings.Join(order[:strength], " ") + " "; !seen[want] {
				t.Errorf("strength %d: %s is in no order", strength, want)
			}
		}
	}
}
