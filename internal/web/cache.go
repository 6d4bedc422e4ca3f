package web

import (
	"container/list"
	"sync"

	"jianxun/internal/news"
)

// cache keeps what is made on demand, as much as fits into room; what has been
// unused for the longest goes first.
type cache[V any] struct {
	mu    sync.Mutex
	room  int // octets left
	size  func(V) int
	order *list.List
	kept  map[string]*list.Element
}

type cached[V any] struct {
	key   string
	value V
}

func newCache[V any](room int, size func(V) int) *cache[V] {
	return &cache[V]{room: room, size: size, order: list.New(), kept: map[string]*list.Element{}}
}

func (c *cache[V]) get(key string) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.kept[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cached[V]).value, true
}

func (c *cache[V]) put(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; ok {
		return
	}
	c.kept[key] = c.order.PushFront(cached[V]{key, value})
	for c.room -= c.size(value); c.room < 0; {
		last := c.order.Remove(c.order.Back()).(cached[V])
		delete(c.kept, last.key)
		c.room += c.size(last.value)
	}
}

// overhead is what a document takes beside its octets, roughly.
const overhead = 2000

func sizeOf(d *document) int {
	n := overhead
	for _, c := range d.codings {
		n += len(c.body)
	}
	return n
}

func sizeOfAll(articles []news.Article) int {
	n := overhead
	for _, a := range articles {
		n += overhead + len(a.Title) + len(a.Summary) + len(a.Text)
	}
	return n
}
