package main

import "github.com/spf13/pflag"

// sagaFlags are those by which sagas are chosen from many.
func sagaFlags(flags *pflag.FlagSet) {
	flags.String("workflow", "", "only sagas of this workflow")
	flags.String("status", "", "only sagas with this status: running, halted, completed, …; open for all that aren't over, or ended")
	flags.String("service", "", "only sagas that are with this service now")
	flags.String("topic", "", "only sagas whose current step reads this topic")
	flags.String("cause", "", "only sagas with a dead letter of this cause (skald dlq ls prints causes)")
	flags.String("search", "", "only sagas whose business key contains this, or the one with this ID, or those with a header: name=value")
	flags.String("older-than", "", "only sagas that began longer ago, such as 10m or 7d")
	flags.String("younger-than", "", "only sagas that began less long ago")
	flags.String("started-after", "", "only sagas that began then or later, such as 2006-01-02T15:04:05Z")
	flags.String("started-before", "", "only sagas that began earlier")
	flags.Bool("overdue", false, "only sagas past their deadline")
	flags.Bool("stuck", false, "only sagas that are in their step for far longer than is usual there")
}

// sagaFilter is what they say, by the API's names. The API says what is wrong with it.
func (c *terminal) sagaFilter() map[string]string {
	given := map[string]string{}
	for flag, parameter := range map[string]string{
		"workflow": "workflow", "status": "status", "service": "service", "topic": "topic", "cause": "cause", "search": "q", "older-than": "older_than",
		"younger-than": "younger_than", "started-after": "started_after", "started-before": "started_before",
	} {
		if value := c.settings.String(flag); value != "" {
			given[parameter] = value
		}
	}
	for _, flag := range []string{"overdue", "stuck"} {
		if c.settings.Bool(flag) {
			given[flag] = "true"
		}
	}
	return given
}
