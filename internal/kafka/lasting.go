package kafka

import "errors"

// Explained gives an error the words of its explanation, unless it has them already. No error stays none.
func (c Connection) Explained(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*ExplainedError](err); ok {
		return err
	}
	return &ExplainedError{c.Explain(err), err}
}

// Lasting says whether an error comes again with every try until somebody changes something, and gives its explanation: a
// login or access that is refused, topics with another partition count or that may not be created, a cluster that is too old.
// Errors of which that isn't known, and those that a new session or some time may mend, don't last.
func (c Connection) Lasting(err error) (*ExplainedError, bool) {
	if explained, ok := errors.AsType[*ExplainedError](err); ok {
		return explained, !explained.Retry
	}
	if _, ok := errors.AsType[*SettingError](err); ok {
		return &ExplainedError{c.Explain(err), err}, true
	}
	for _, explain := range []func(error) (Explanation, bool){c.explainLogin, c.explainAccess, c.explainTopics, c.explainTransactions} {
		if e, ok := explain(err); ok {
			return &ExplainedError{e, err}, true
		}
	}
	return nil, false
}
