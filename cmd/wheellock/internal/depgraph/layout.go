package depgraph

import (
	"cmp"
	"slices"
)

// Sizes of the picture, in pixels.
const (
	charWidth  = 7.6 // of the monospace font at 12.5 px
	boxHeight  = 40
	boxPadding = 10
	rowGap     = 14
	columnGap  = 64
	bendHeight = 6 // room that an arrow takes where it passes a column
	margin     = 16
	sweeps     = 8
)

// place is a box in the layout, or a bend of an arrow that passes its column.
type place struct {
	box    int // -1: a bend
	layer  int
	x, y   float64 // left, middle
	width  float64
	height float64
	left   []*place // neighbours in the column before
	right  []*place
}

type layout struct {
	columns       [][]*place
	routes        [][]*place // by arrow: from, bends, to
	width, height float64
}

// arrange lays the picture out in columns (after Sugiyama): each box right of
// what needs it, arrows that pass columns bent in each, columns ordered so that
// few arrows cross, and rows moved towards their neighbours.
func (p picture) arrange() layout {
	layers := p.layers()
	places := make([]*place, len(p.boxes))
	var l layout
	add := func(q *place) *place {
		for len(l.columns) <= q.layer {
			l.columns = append(l.columns, nil)
		}
		l.columns[q.layer] = append(l.columns[q.layer], q)
		return q
	}
	for i, b := range p.boxes {
		places[i] = add(&place{box: i, layer: layers[i], width: 2*boxPadding + charWidth*float64(max(runes(b.name), runes(b.below))), height: boxHeight})
	}
	for _, a := range p.arrows {
		from, to := places[a.from], places[a.to]
		route := []*place{from}
		for layer := from.layer + 1; layer < to.layer; layer++ {
			route = append(route, add(&place{box: -1, layer: layer, height: bendHeight}))
		}
		route = append(route, to)
		for i := 1; i < len(route); i++ {
			if route[i].layer > route[i-1].layer {
				route[i].left = append(route[i].left, route[i-1])
				route[i-1].right = append(route[i-1].right, route[i])
			}
		}
		l.routes = append(l.routes, route)
	}
	l.order()
	l.rows()
	l.place()
	return l
}

func runes(s string) int { return len([]rune(s)) }

// layers gives each box the length of the longest way to it; arrows that close
// a circle do not count.
func (p picture) layers() []int {
	out := make([][]int, len(p.boxes))
	for _, a := range p.arrows {
		out[a.from] = append(out[a.from], a.to)
	}
	state := make([]int, len(p.boxes)) // 0 new, 1 open, 2 done
	var order []int
	forward := make([][]int, len(p.boxes))
	var visit func(i int)
	visit = func(i int) {
		state[i] = 1
		for _, k := range out[i] {
			if state[k] == 1 {
				continue
			}
			forward[i] = append(forward[i], k)
			if state[k] == 0 {
				visit(k)
			}
		}
		state[i] = 2
		order = append(order, i)
	}
	for _, direct := range []bool{true, false} {
		for i, b := range p.boxes {
			if state[i] == 0 && (b.kind == "direct") == direct {
				visit(i)
			}
		}
	}
	layers := make([]int, len(p.boxes))
	for n := len(order) - 1; n >= 0; n-- {
		for _, k := range forward[order[n]] {
			layers[k] = max(layers[k], layers[order[n]]+1)
		}
	}
	return layers
}

// order sorts each column by the mean place of its neighbours, to and fro.
func (l *layout) order() {
	index := map[*place]float64{}
	number := func(column []*place) {
		for i, q := range column {
			index[q] = float64(i)
		}
	}
	for _, c := range l.columns {
		number(c)
	}
	for n := range sweeps {
		for k := range l.columns {
			side := func(q *place) []*place { return q.left }
			if n%2 == 1 {
				k = len(l.columns) - 1 - k
				side = func(q *place) []*place { return q.right }
			}
			column := l.columns[k]
			key := map[*place]float64{}
			for _, q := range column {
				key[q] = mean(side(q), func(r *place) float64 { return index[r] }, index[q])
			}
			slices.SortStableFunc(column, func(a, b *place) int {
				switch {
				case key[a] < key[b]:
					return -1
				case key[a] > key[b]:
					return 1
				}
				return 0
			})
			number(column)
		}
	}
}

func mean(list []*place, of func(*place) float64, otherwise float64) float64 {
	if len(list) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, q := range list {
		sum += of(q)
	}
	return sum / float64(len(list))
}

// rows gives each place its height on the page, near to its neighbours'.
func (l *layout) rows() {
	for _, c := range l.columns {
		y := 0.0
		for _, q := range c {
			q.y = y + q.height/2
			y += q.height + rowGap
		}
	}
	for n := range 2 * sweeps {
		for k := range l.columns {
			if n%2 == 1 {
				k = len(l.columns) - 1 - k
			}
			c := l.columns[k]
			want := make([]float64, len(c))
			for i, q := range c {
				want[i] = mean(append(slices.Clone(q.left), q.right...), func(r *place) float64 { return r.y }, q.y)
			}
			spread(c, want)
		}
	}
	l.compact()
}

// compact takes out bands of the page in which nothing lies: parts that no arrow
// joins have drifted apart.
func (l *layout) compact() {
	all := slices.Concat(l.columns...)
	slices.SortStableFunc(all, func(a, b *place) int { return cmp.Compare(a.y-a.height/2, b.y-b.height/2) })
	cut, bottom := 0.0, 0.0
	for i, q := range all {
		top := q.y - q.height/2
		if i > 0 {
			cut += max(0, top-bottom-2*rowGap)
		}
		if i == 0 || q.y+q.height/2 > bottom {
			bottom = q.y + q.height/2
		}
		q.y -= cut
	}
}

// spread puts the places of a column where they want to be, in their order and
// without overlap, and shares out what that moves them.
func spread(c []*place, want []float64) {
	shift := 0.0
	for i, q := range c {
		q.y = want[i]
		if i > 0 {
			p := c[i-1]
			q.y = max(q.y, p.y+(p.height+q.height)/2+rowGap)
		}
		shift += want[i] - q.y
	}
	if len(c) > 0 {
		shift /= float64(len(c))
	}
	for _, q := range c {
		q.y += shift
	}
}

// place moves everything onto the page.
func (l *layout) place() {
	top := 0.0
	for _, c := range l.columns {
		for _, q := range c {
			top = min(top, q.y-q.height/2)
		}
	}
	x := float64(margin)
	for _, c := range l.columns {
		widest := 0.0
		for _, q := range c {
			q.x, q.y = x, q.y-top+margin
			widest = max(widest, q.width)
			l.height = max(l.height, q.y+q.height/2)
		}
		x += widest + columnGap
	}
	l.width, l.height = x-columnGap+margin, l.height+margin
}
