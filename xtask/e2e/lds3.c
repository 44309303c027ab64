/* A small DAAP client and a small DAAP server on top of libdmapsharing 3.0.
 *
 *   lds3 HOST PORT [PASSWORD]          connect, list everything, disconnect
 *   lds3 serve TSV NAME [PASSWORD]     share songs on a free port of 127.0.0.1
 *
 * The client prints tab-separated lines: record, playlist, entry, header, authenticate, connected, disconnected.
 * The first line of the TSV names properties of DAAPRecord, each other line is a song. Every second song is in a playlist.
 * Build: cc lds3.c $(pkg-config --cflags --libs libdmapsharing-3.0 libsoup-2.4)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <gio/gio.h>
#include <libdmapsharing/dmap.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a track: keeps whatever properties the DAAPRecord interface declares ---- */
typedef struct { GObject parent; GValue *vals; } Track;
typedef struct { GObjectClass parent; } TrackClass;
static GParamSpec **track_props;
static guint n_track_props;

static GInputStream *track_read(DAAPRecord *r, GError **err)
{
	char *loc = NULL;
	g_object_get(r, "location", &loc, NULL);
	GFile *f = g_file_new_for_path(loc);
	GInputStream *s = G_INPUT_STREAM(g_file_read(f, NULL, err));
	g_object_unref(f);
	g_free(loc);
	return s;
}
static gboolean track_compat(DAAPRecord *r) { (void)r; return TRUE; }
static void track_daap_iface(gpointer i, gpointer d) { (void)d; ((DAAPRecordIface *)i)->read = track_read; ((DAAPRecordIface *)i)->itunes_compat = track_compat; }
static void track_dmap_iface(gpointer i, gpointer d) { (void)i; (void)d; }
GType track_get_type(void);
G_DEFINE_TYPE_WITH_CODE(Track, track, G_TYPE_OBJECT,
	G_IMPLEMENT_INTERFACE(DMAP_TYPE_RECORD, track_dmap_iface)
	G_IMPLEMENT_INTERFACE(DAAP_TYPE_RECORD, track_daap_iface))

static void track_set(GObject *o, guint id, const GValue *v, GParamSpec *p)
{
	Track *t = (Track *)o;
	(void)p;
	g_value_copy(v, &t->vals[id - 1]);
}
static void track_get(GObject *o, guint id, GValue *v, GParamSpec *p)
{
	(void)p;
	g_value_copy(&((Track *)o)->vals[id - 1], v);
}
static void track_finalize(GObject *o)
{
	Track *t = (Track *)o;
	for (guint i = 0; i < n_track_props; i++)
		g_value_unset(&t->vals[i]);
	g_free(t->vals);
	G_OBJECT_CLASS(track_parent_class)->finalize(o);
}
static void track_class_init(TrackClass *k)
{
	GObjectClass *oc = G_OBJECT_CLASS(k);
	gpointer iface = g_type_default_interface_ref(DAAP_TYPE_RECORD);
	oc->set_property = track_set;
	oc->get_property = track_get;
	oc->finalize = track_finalize;
	track_props = g_object_interface_list_properties(iface, &n_track_props);
	for (guint i = 0; i < n_track_props; i++)
		g_object_class_override_property(oc, i + 1, track_props[i]->name);
}
static void track_init(Track *t)
{
	t->vals = g_new0(GValue, n_track_props);
	for (guint i = 0; i < n_track_props; i++) {
		g_value_init(&t->vals[i], track_props[i]->value_type);
		if (!G_IS_PARAM_SPEC_STRING(track_props[i]))
			g_param_value_set_default(track_props[i], &t->vals[i]);
	}
}

/* ---- factory ---- */
typedef struct { GObject parent; } Factory;
typedef struct { GObjectClass parent; } FactoryClass;
static DMAPRecord *factory_create(DMAPRecordFactory *f, gpointer d) { (void)f; (void)d; return DMAP_RECORD(g_object_new(track_get_type(), NULL)); }
static void factory_iface(gpointer i, gpointer d) { (void)d; ((DMAPRecordFactoryIface *)i)->create = factory_create; }
GType factory_get_type(void);
G_DEFINE_TYPE_WITH_CODE(Factory, factory, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(DMAP_TYPE_RECORD_FACTORY, factory_iface))
static void factory_class_init(FactoryClass *k) { (void)k; }
static void factory_init(Factory *f) { (void)f; }

/* ---- db ---- */
typedef struct { GObject parent; GHashTable *h; guint next; } Tdb;
typedef struct { GObjectClass parent; } TdbClass;
static guint db_add_with_id(DMAPDb *d, DMAPRecord *r, guint id)
{
	g_hash_table_insert(((Tdb *)d)->h, GUINT_TO_POINTER(id), g_object_ref(r));
	return id;
}
static guint db_add(DMAPDb *d, DMAPRecord *r) { return db_add_with_id(d, r, ++((Tdb *)d)->next); }
static DMAPRecord *db_by_id(const DMAPDb *d, guint id)
{
	gpointer r = g_hash_table_lookup(((Tdb *)d)->h, GUINT_TO_POINTER(id));
	return r ? g_object_ref(r) : NULL;
}
static guint db_by_loc(const DMAPDb *d, const gchar *l) { (void)d; (void)l; return 0; }
static void db_foreach(const DMAPDb *d, GHFunc f, gpointer u)
{
	for (guint i = 1; i <= ((Tdb *)d)->next; i++) {
		gpointer r = g_hash_table_lookup(((Tdb *)d)->h, GUINT_TO_POINTER(i));
		if (r)
			f(GUINT_TO_POINTER(i), r, u);
	}
}
static gint64 db_count(const DMAPDb *d) { return g_hash_table_size(((Tdb *)d)->h); }
static void db_iface(gpointer i, gpointer u)
{
	DMAPDbIface *f = i;
	(void)u;
	f->add = db_add;
	f->add_with_id = db_add_with_id;
	f->lookup_by_id = db_by_id;
	f->lookup_id_by_location = db_by_loc;
	f->foreach = db_foreach;
	f->count = db_count;
}
GType db_get_type(void);
G_DEFINE_TYPE_WITH_CODE(Tdb, db, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(DMAP_TYPE_DB, db_iface))
static void db_class_init(TdbClass *k) { (void)k; }
static void db_init(Tdb *d) { d->h = g_hash_table_new_full(NULL, NULL, NULL, g_object_unref); }

/* ---- containers: one playlist holding the even-numbered tracks ---- */
typedef struct { GObject parent; char *name; DMAPDb *db; } List;
typedef struct { GObjectClass parent; } ListClass;
static guint list_id(DMAPContainerRecord *r) { (void)r; return 2; }
static void list_add(DMAPContainerRecord *c, DMAPRecord *r, gint id) { dmap_db_add_with_id(((List *)c)->db, r, id); ((Tdb *)((List *)c)->db)->next = MAX(((Tdb *)((List *)c)->db)->next, (guint)id); }
static guint64 list_n(DMAPContainerRecord *r) { return dmap_db_count(((List *)r)->db); }
static DMAPDb *list_entries(DMAPContainerRecord *r) { return g_object_ref(((List *)r)->db); }
static void list_iface(gpointer i, gpointer u)
{
	DMAPContainerRecordIface *f = i;
	(void)u;
	f->get_id = list_id;
	f->add_entry = list_add;
	f->get_entry_count = list_n;
	f->get_entries = list_entries;
}
GType list_get_type(void);
G_DEFINE_TYPE_WITH_CODE(List, list, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(DMAP_TYPE_CONTAINER_RECORD, list_iface))
static void list_set(GObject *o, guint id, const GValue *v, GParamSpec *p) { (void)id; (void)p; ((List *)o)->name = g_value_dup_string(v); }
static void list_get(GObject *o, guint id, GValue *v, GParamSpec *p) { (void)id; (void)p; g_value_set_string(v, ((List *)o)->name); }
static void list_class_init(ListClass *k)
{
	G_OBJECT_CLASS(k)->set_property = list_set;
	G_OBJECT_CLASS(k)->get_property = list_get;
	g_object_class_override_property(G_OBJECT_CLASS(k), 1, "name");
}
static void list_init(List *l) { l->db = DMAP_DB(g_object_new(db_get_type(), NULL)); }

typedef struct { GObject parent; DMAPContainerRecord *one; } Lists;
typedef struct { GObjectClass parent; } ListsClass;
static void lists_add(DMAPContainerDb *d, DMAPContainerRecord *r) { ((Lists *)d)->one = g_object_ref(r); }
static DMAPContainerRecord *lists_by_id(DMAPContainerDb *d, guint id) { return id == 2 ? g_object_ref(((Lists *)d)->one) : NULL; }
static void lists_foreach(DMAPContainerDb *d, GHFunc f, gpointer u) { f(GUINT_TO_POINTER(2), ((Lists *)d)->one, u); }
static gint64 lists_count(DMAPContainerDb *d) { return ((Lists *)d)->one ? 1 : 0; }
static void lists_iface(gpointer i, gpointer u)
{
	DMAPContainerDbIface *f = i;
	(void)u;
	f->add = lists_add;
	f->lookup_by_id = lists_by_id;
	f->foreach = lists_foreach;
	f->count = lists_count;
}
GType lists_get_type(void);
G_DEFINE_TYPE_WITH_CODE(Lists, lists, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(DMAP_TYPE_CONTAINER_DB, lists_iface))
static void lists_class_init(ListsClass *k) { (void)k; }
static void lists_init(Lists *l) { (void)l; }

/* ---- client ---- */
static GMainLoop *loop;
static const char *password;
static DMAPDb *cdb;
static int rc = 1;

static void emit_track(gpointer id, DMAPRecord *r, gpointer u)
{
	char *loc, *title, *artist, *album, *genre, *fmt, *sa, *sb;
	int dur, tr, disc, year, br;
	guint64 size;
	(void)u;
	g_object_get(r, "location", &loc, "title", &title, "songartist", &artist, "songalbum", &album,
		     "songgenre", &genre, "format", &fmt, "duration", &dur, "track", &tr, "disc", &disc,
		     "year", &year, "bitrate", &br, "filesize", &size, "sort-artist", &sa, "sort-album", &sb, NULL);
	printf("record\t%u\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%" G_GUINT64_FORMAT "\t%s\t%s\t%s\n",
	       GPOINTER_TO_UINT(id), title ?: "(null)", artist ?: "(null)", album ?: "(null)", genre ?: "(null)", fmt ?: "(null)",
	       dur, tr, disc, year, br, size, loc ?: "(null)", sa ?: "(null)", sb ?: "(null)");
}
static void emit_header(const char *k, const char *v, gpointer uri) { printf("header\t%s\t%s\t%s\n", (char *)uri, k, v); }

static gboolean gone(DMAPConnection *c, gboolean ok, const char *why, gpointer u)
{
	(void)c; (void)u;
	printf("disconnected\t%d\t%s\n", ok, why ?: "");
	g_main_loop_quit(loop);
	return FALSE;
}
static gboolean start_disconnect(gpointer c)
{
	dmap_connection_disconnect(c, gone, NULL);
	return FALSE;
}
static gboolean done(DMAPConnection *c, gboolean ok, const char *why, gpointer u)
{
	(void)u;
	printf("connected\t%d\t%s\n", ok, why ?: "");
	if (ok) {
		rc = 0;
		printf("count\t%lu\n", dmap_db_count(cdb));
		dmap_db_foreach(cdb, (GHFunc)emit_track, NULL);
		for (GSList *l = dmap_connection_get_playlists(c); l; l = l->next) {
			DMAPPlaylist *p = l->data;
			printf("playlist\t%d\t%s\t%d\n", p->id, p->name, g_list_length(p->uris));
			for (GList *e = p->uris; e; e = e->next)
				printf("entry\t%d\t%s\n", p->id, (char *)e->data);
		}
		for (guint i = 1; i <= 3; i++) {
			DMAPRecord *r = dmap_db_lookup_by_id(cdb, i);
			char *loc = NULL;
			if (!r)
				break;
			g_object_get(r, "location", &loc, NULL);
			SoupMessageHeaders *h = dmap_connection_get_headers(c, loc);
			if (h)
				soup_message_headers_foreach(h, emit_header, loc);
		}
		fflush(stdout);
		/* LDS3_HOLD: keep the session so that its URIs can be fetched; a line on stdin ends it */
		if (getenv("LDS3_HOLD")) {
			char b[8];
			printf("holding\n");
			fflush(stdout);
			if (!fgets(b, sizeof b, stdin))
				b[0] = 0;
		}
		g_timeout_add(50, start_disconnect, c);
	} else
		g_main_loop_quit(loop);
	fflush(stdout);
	return FALSE;
}
static void on_auth(DMAPConnection *c, const char *name, SoupSession *s, SoupMessage *m, SoupAuth *a, gboolean retry, gpointer u)
{
	(void)u;
	printf("authenticate\t%s\t%d\t%s\n", name, retry, soup_auth_get_realm(a));
	fflush(stdout);
	if (retry || !password) {
		g_main_loop_quit(loop);
		rc = 3;
		return;
	}
	dmap_connection_authenticate_message(c, s, m, a, password);
}
static void on_progress(DMAPConnection *c, gulong st, gfloat f, gpointer u)
{
	(void)c; (void)u;
	if (f >= 1.0 || f < 0)
		printf("state\t%lu\t%.1f\n", st, f);
}
static gboolean too_late(gpointer u)
{
	(void)u;
	printf("timeout\n");
	g_main_loop_quit(loop);
	rc = 4;
	return FALSE;
}

static int client(int n, char **v)
{
	password = n > 3 ? v[3] : NULL;
	cdb = DMAP_DB(g_object_new(db_get_type(), NULL));
	DMAPConnection *c = DMAP_CONNECTION(daap_connection_new("e2e", v[1], atoi(v[2]), cdb,
		DMAP_RECORD_FACTORY(g_object_new(factory_get_type(), NULL))));
	g_signal_connect(c, "authenticate", G_CALLBACK(on_auth), NULL);
	g_signal_connect(c, "connecting", G_CALLBACK(on_progress), NULL);
	dmap_connection_connect(c, done, NULL);
	g_timeout_add_seconds(getenv("LDS3_HOLD") ? 50 : 20, too_late, NULL);
	g_main_loop_run(loop);
	return rc;
}

/* ---- server ---- */
static int listens_on;

/* The library listens on all interfaces, and on port 3689 if it can. This comes before libc's. */
int bind(int fd, const struct sockaddr *wanted, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
	struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t got = sizeof ip4;
	if (wanted->sa_family == AF_INET6)
		return real(fd, (struct sockaddr *)&ip6, sizeof ip6);
	if (wanted->sa_family != AF_INET)
		return real(fd, wanted, length);
	int failed = real(fd, (struct sockaddr *)&ip4, sizeof ip4);
	if (!failed && !getsockname(fd, (struct sockaddr *)&ip4, &got))
		listens_on = ntohs(ip4.sin_port);
	return failed;
}

static DMAPRecord *track_from(char **names, char **texts)
{
	DMAPRecord *track = DMAP_RECORD(g_object_new(track_get_type(), NULL));
	for (int i = 0; names[i] && texts[i]; i++) {
		GParamSpec *property = g_object_class_find_property(G_OBJECT_GET_CLASS(track), names[i]);
		if (!property)
			g_error("no property %s", names[i]);
		else if (G_IS_PARAM_SPEC_STRING(property))
			g_object_set(track, names[i], texts[i], NULL);
		else if (G_IS_PARAM_SPEC_UINT64(property) || G_IS_PARAM_SPEC_INT64(property))
			g_object_set(track, names[i], g_ascii_strtoull(texts[i], NULL, 10), NULL);
		else
			g_object_set(track, names[i], atoi(texts[i]), NULL);
	}
	return track;
}

static int serve(int n, char **v)
{
	DMAPDb *db = DMAP_DB(g_object_new(db_get_type(), NULL));
	DMAPContainerRecord *list = DMAP_CONTAINER_RECORD(g_object_new(list_get_type(), "name", "Every second", NULL));
	DMAPContainerDb *lists = DMAP_CONTAINER_DB(g_object_new(lists_get_type(), NULL));
	char *text = NULL;
	if (!g_file_get_contents(v[2], &text, NULL, NULL))
		return 2;
	char **lines = g_strsplit(text, "\n", -1);
	char **names = g_strsplit(lines[0], "\t", -1);
	for (int i = 1; lines[i] && *lines[i]; i++) {
		DMAPRecord *track = track_from(names, g_strsplit(lines[i], "\t", -1));
		guint id = dmap_db_add(db, track);
		if (id % 2 == 0)
			dmap_container_record_add_entry(list, track, id);
	}
	dmap_container_db_add(lists, list);
	if (!daap_share_new(v[3], n > 4 ? v[4] : NULL, db, lists, NULL))
		return 1;
	printf("listening on http://127.0.0.1:%d (%s)\n", listens_on, v[3]);
	g_main_loop_run(loop);
	return 0;
}

int main(int n, char **v)
{
	if (n < 3) {
		fprintf(stderr, "usage: %s HOST PORT [PASSWORD] | serve TSV NAME [PASSWORD]\n", v[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = g_main_loop_new(NULL, FALSE);
	return n > 3 && !strcmp(v[1], "serve") ? serve(n, v) : client(n, v);
}
