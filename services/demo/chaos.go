package demo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ParseChaos reads how likely each service is to fail, as "authorizer=0.2,notifier=0.1"; the empty string is no service. If services
// are given, others are refused. Its error says what is allowed.
func ParseChaos(s string, services ...string) (map[string]float64, error) {
	chaos := map[string]float64{}
	if strings.TrimSpace(s) == "" {
		return chaos, nil
	}
	for entry := range strings.SplitSeq(s, ",") {
		service, value, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok || service == "" {
			return nil, fmt.Errorf("chaos %q: service=probability is wanted, such as authorizer=0.2, and a comma between two", entry)
		}
		if len(services) > 0 && !slices.Contains(services, service) {
			return nil, fmt.Errorf("chaos for %q: there is no such service, it is one of %s", service, strings.Join(services, ", "))
		}
		if _, twice := chaos[service]; twice {
			return nil, fmt.Errorf("chaos for %s is given twice", service)
		}
		p, err := strconv.ParseFloat(value, 64)
		if err == nil {
			err = checkProbability(p)
		}
		if err != nil {
			return nil, fmt.Errorf("chaos for %s is %q: a probability from 0 to 1 is wanted, such as 0.2", service, value)
		}
		chaos[service] = p
	}
	return chaos, nil
}

func checkProbability(p float64) error {
	if p >= 0 && p <= 1 { // also refuses what is no number
		return nil
	}
	return fmt.Errorf("a probability of %v: 0 to 1 is allowed", p)
}
