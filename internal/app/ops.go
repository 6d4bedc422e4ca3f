package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"jianxun/internal/ingest"
	"jianxun/internal/news"
)

type metrics struct {
	registry   *prometheus.Registry
	configOK   prometheus.Gauge
	articles   *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	bounces    *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		configOK:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "jianxun_config_ok", Help: "1 when the configuration files on disk are the ones in force."}),
		articles:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "jianxun_ingested_total", Help: "Pages and items read by this process, by result."}, []string{"result"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "jianxun_deliveries_total", Help: "Deliveries that came to rest in this process, by state."}, []string{"state"}),
	}
	m.bounces = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "jianxun_bounces_total", Help: "Mails that came back and were recorded by this process, by kind, or unmatched."}, []string{"kind"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "jianxun_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.configOK.Set(1)
	m.registry.MustRegister(m.configOK, m.articles, m.deliveries, m.bounces, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) ingested(r ingest.Report) {
	for result, n := range map[string]int{"new": r.New, "changed": r.Changed, "same": r.Same, "refused": len(r.Refused)} {
		m.articles.WithLabelValues(result).Add(float64(n))
	}
}

func (m *metrics) settled(s news.DeliveryState) { m.deliveries.WithLabelValues(string(s)).Inc() }

// answerWithin bounds how long /readyz waits for the store.
const answerWithin = 2 * time.Second

// readiness is the answer of /readyz. The daemon is ready while its store
// answers; while it does not, the feeds are served as they were, behind says
// since when. A refused configuration is told but does not take it out of service;
// one that has no fault and only waits for the store is told as that.
type readiness struct {
	Ready  bool         `json:"ready"`
	Store  string       `json:"store"`
	Behind time.Time    `json:"feeds_behind_since,omitzero"`
	Held   string       `json:"sending_held,omitempty"` // why
	Clock  string       `json:"clock_ahead,omitempty"`  // of the store's, when it matters
	Config configStatus `json:"config"`
}

type configStatus struct {
	OK        bool      `json:"ok"`
	File      string    `json:"file,omitempty"`
	Waits     string    `json:"waits_for_store,omitempty"` // what the store says
	RefusedAt time.Time `json:"refused_at,omitzero"`
	Faults    []string  `json:"faults,omitempty"`
}

func (a *App) readiness(r *http.Request) readiness {
	out := readiness{Ready: true, Store: "ok", Config: configStatus{OK: true, File: a.opt.ConfigFile}}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		out.Ready, out.Store = false, err.Error()
	} else if err := a.held(ctx); err != nil {
		out.Held = err.Error()
	}
	if ahead := a.skew(ctx); ahead != 0 {
		out.Clock = ahead.String()
	}
	if since := a.stale.Load(); since != nil {
		out.Behind = *since
	}
	if refused := a.refused.Load(); refused != nil {
		out.Config.refuse(refused)
	}
	return out
}

func (c *configStatus) refuse(r *refusal) {
	c.OK = false
	if r.waits {
		c.Waits = r.err.Error()
		return
	}
	c.RefusedAt = r.at
	for _, f := range faultsOf(r.err) {
		c.Faults = append(c.Faults, f.Error())
	}
	if c.Faults == nil {
		c.Faults = []string{r.err.Error()}
	}
}

// maxSkew is how far clocks may differ without being told of: leases are some
// times as long.
const maxSkew = 5 * time.Second

// skew is how far this machine's clock is ahead of the store's, 0 while that does
// not matter.
func (a *App) skew(ctx context.Context) time.Duration {
	ahead, err := a.store.Skew(ctx)
	if err != nil || ahead.Abs() < maxSkew {
		return 0
	}
	return ahead.Round(time.Second)
}

func (a *App) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state := a.readiness(r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if !state.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		_ = enc.Encode(state) // the client has gone: nothing to be done
	})
	return mux
}
