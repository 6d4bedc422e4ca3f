package websub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"jianxun/internal/dial"
	"jianxun/internal/news"
)

// wire is how hubs and subscribers are talked to: bounded in time, without
// following redirects, whatever the client would do by itself.
type wire struct {
	client  http.Client
	agent   string
	timeout time.Duration
}

func newWire(client *http.Client, agent string, timeout time.Duration) wire {
	w := wire{client: *client, agent: agent, timeout: timeout}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

// do sends a request and gives the status of the answer and its first octets,
// at most so many. Its error tells by its code whether we refused to go there.
func (w wire) do(ctx context.Context, method, address string, header http.Header, body io.Reader, want int64) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, nil, news.Errorf(news.Invalid, "this address cannot be asked: %w", bare(err))
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", w.agent)
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, nil, news.Errorf(dial.Code(err), "there is no answer: %w", bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if want == 0 {
		return resp.StatusCode, nil, nil
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, want))
	if err != nil {
		return 0, nil, news.Errorf(news.Unavailable, "there is no answer: %w", bare(err))
	}
	return resp.StatusCode, answer, nil
}

// bare is err without the address that net/http puts before it: it would bring
// the query of a callback, and the challenge, into the log.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// place is a callback as it may be logged: its query is a secret of the subscriber.
func place(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
