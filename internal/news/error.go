package news

import (
	"errors"
	"fmt"
)

// ErrorCode tells a machine what kind of fault an Error is.
type ErrorCode string

// The codes. Web handlers and exit codes are chosen by them, never by text.
const (
	Invalid     ErrorCode = "invalid"     // the input is at fault; retrying it unchanged cannot help
	NotFound    ErrorCode = "not_found"   // no such thing
	Conflict    ErrorCode = "conflict"    // the state of things forbids it
	Refused     ErrorCode = "refused"     // a rule of safety forbids it
	TooLarge    ErrorCode = "too_large"   // a bound was exceeded
	TooMany     ErrorCode = "too_many"    // the one who asks does so too often
	Busy        ErrorCode = "busy"        // we have too much to do; retrying later helps
	Unavailable ErrorCode = "unavailable" // somebody else is down; retrying later may help
	Internal    ErrorCode = "internal"    // ours
)

// Error is the one error type of the project: a code for machines and a
// sentence for people. Format is an English sentence and, untouched, the key
// of its translation in the message catalogue.
type Error struct {
	Code   ErrorCode
	Format string
	Args   []any
	err    error
}

// Phrase is an argument of an Error that is itself translated.
type Phrase string

// Errorf makes an Error. Like fmt.Errorf it wraps what stands under %w.
func Errorf(code ErrorCode, format string, args ...any) error {
	return &Error{Code: code, Format: format, Args: args, err: fmt.Errorf(format, args...)}
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap gives the error that stood under %w, if any.
func (e *Error) Unwrap() error { return errors.Unwrap(e.err) }

// CodeOf is the code of the outermost Error in err's chain, or Internal.
func CodeOf(err error) ErrorCode {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
