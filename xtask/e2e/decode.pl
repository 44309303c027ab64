#!/usr/bin/perl
# Decodes the answer of every endpoint with Perl's Net::DAAP::DMAP, a decoder that others wrote.
#   decode.pl HOST PORT MANIFEST [PASSWORD]
# Every code it does not know must be in the server's content-codes; wrong widths and stray bytes are a FAIL.
use strict; use warnings; use utf8;
use Net::DAAP::DMAP qw(dmap_unpack dmap_seek);
use LWP::UserAgent; use JSON::PP; use Encode qw(decode); use MIME::Base64;
binmode STDOUT, ':utf8'; $| = 1;

my ($host, $port, $manifest, $password) = @ARGV;
die "usage: decode.pl HOST PORT MANIFEST [PASSWORD]\n" unless defined $manifest;
my ($passed, $failed) = (0, 0);
sub check {
  my ($good, $name, $detail) = @_;
  $good ? $passed++ : $failed++;
  print(($good ? 'ok' : 'FAIL') . " $name " . ($detail // '') . "\n");
  return $good;
}
END { print "$passed passed, $failed failed\n" if defined $manifest; $? = ($failed || !$passed) ? 1 : 0 }

# --- what Net::DAAP::DMAP does not check: that lengths nest exactly, and how wide each value was sent
my (%width, %declared);
my %container = map { $_ => 1 } qw(msrv mlog mupd mccr mdcl avdb adbs aply apso abro abal abar abgn abcp agal agar
  mlcl mlit mudl mshl);
my %type_width = (1 => 1, 2 => 1, 3 => 2, 4 => 2, 5 => 4, 6 => 4, 7 => 8, 8 => 8, 10 => 4, 11 => 4);
sub walk {
  my ($bytes, $where) = @_;
  my ($at, @wrong) = (0);
  while ($at < length $bytes) {
    my $left = length($bytes) - $at;
    return (@wrong, "$where: $left stray bytes") if $left < 8;
    my ($code, $length) = unpack 'a4 N', substr $bytes, $at, 8;
    return (@wrong, "$where: a bad code at $at") if $code !~ /^[\x21-\x7e]{4}$/;
    return (@wrong, "$where/$code: $length bytes of " . ($left - 8)) if 8 + $length > $left;
    my $value = substr $bytes, $at + 8, $length;
    $width{$code}{$length}++ if !$container{$code};
    # In browse answers a listing item is the bare name.
    push @wrong, walk($value, "$where/$code") if $container{$code} && !($code eq 'mlit' && $where =~ m{/ab(ar|al|gn|cp)$});
    $at += 8 + $length;
  }
  return @wrong;
}
sub decode_one {
  my ($name, $bytes) = @_;
  my @wrong = walk($bytes, $name);
  local $SIG{__WARN__} = sub { };    # codes of iTunes that its table lacks; content-codes is checked below
  my $tree = eval { dmap_unpack($bytes) };
  push @wrong, "Net::DAAP::DMAP: $@" if $@ || !$tree;
  s/\s+/ /g for @wrong;
  check(!@wrong, "decode $name", @wrong ? $wrong[0] : length($bytes) . ' bytes');
  return $tree;
}

my $agent = LWP::UserAgent->new(timeout => 20, agent => 'iTunes/10.6 (decode)');
# The codecs because the name alone would have songs that iTunes cannot play come as WAV files.
my %headers = ('Client-DAAP-Version' => '3.10', Accept => '*/*', 'Accept-Codecs' => 'mpeg,mp4a,alac,wav,aif,flac,ogg,opus');
$headers{Authorization} = 'Basic ' . encode_base64(":$password", '') if defined $password;
my $session;
sub get {
  my ($name, $path) = @_;
  $path .= ($path =~ /\?/ ? '&' : '?') . "session-id=$session" if defined $session;
  my $answer = $agent->get("http://$host:$port$path", %headers);
  return check(0, "get $name", $answer->status_line) && undef unless $answer->is_success;
  my $type = $answer->header('Content-Type') // 'none';
  check($type =~ m{^application/x-dmap-tagged}, "content-type $name", $type);
  return decode_one($name, $answer->content);
}
sub items {
  my ($tree, $path) = @_;
  my $listing = dmap_seek($tree, "$path/dmap.listing") || [];
  return map { +{ map { $_->[0] => $_->[1] } @{$_->[1]} } } grep { $_->[0] eq 'dmap.listingitem' } @$listing;
}

# --- the walk
get('server-info', '/server-info') or exit;
my $codes = get('content-codes', '/content-codes') or exit;
my $login = get('login', '/login') or exit;
$session = dmap_seek($login, 'dmap.loginresponse/dmap.sessionid');
my $update = get('update', '/update?revision-number=1') or exit;
my $revision = dmap_seek($update, 'dmap.updateresponse/dmap.serverrevision');
my $databases = get('databases', "/databases?revision-number=$revision") or exit;
my ($database) = map { $_->{'dmap.itemid'} } items($databases, 'daap.serverdatabases');
check(defined $database, 'database', $database) or exit;
my $top = "/databases/$database";
my $meta = join ',', qw(dmap.itemid dmap.itemname dmap.itemkind dmap.persistentid daap.songalbum daap.songartist
  daap.songalbumartist daap.songbitrate daap.songcomposer daap.songdateadded daap.songdatemodified
  daap.songdisccount daap.songdiscnumber daap.songformat daap.songgenre daap.songsamplerate daap.songsize
  daap.songtime daap.songtrackcount daap.songtracknumber daap.songyear daap.sortname daap.sortartist
  daap.sortalbum daap.songcodectype com.apple.itunes.mediakind);
my $list = get('items', "$top/items?revision-number=$revision&type=music&meta=$meta") or exit;
my @items = items($list, 'daap.databasesongs');
my $counted = dmap_seek($list, 'daap.databasesongs/dmap.returnedcount') // -1;
check(@items == $counted, 'returned count', $counted);
get('items-all', "$top/items?type=music&meta=all");
get('items-default', "$top/items");
get('items-page', "$top/items?meta=dmap.itemname&sort=artist&index=2-4&include-sort-headers=1");
get('items-query', "$top/items?meta=dmap.itemname&query=('daap.songartist:Aurora*'+'dmap.itemname!:')");
get('items-nothing', "$top/items?meta=dmap.itemname&query='daap.songartist:nobody'");
get('items-delta', "$top/items?revision-number=$revision&delta=$revision&meta=dmap.itemname");
my $containers = get('containers', "$top/containers?meta=dmap.itemid,dmap.itemname,dmap.persistentid,dmap.itemcount,"
  . 'dmap.parentcontainerid,daap.baseplaylist,com.apple.itunes.smart-playlist,com.apple.itunes.special-playlist');
my @containers = $containers ? items($containers, 'daap.databaseplaylists') : ();
check(@containers == 2, 'containers listed', scalar @containers);
for my $container (map { $_->{'dmap.itemid'} } @containers) {
  get("container-$container", "$top/containers/$container/items?type=music&meta=dmap.itemkind,dmap.itemid,dmap.containeritemid");
}
get("browse-$_", "$top/browse/$_") for qw(artists albums genres composers);
get("browse-filter", "$top/browse/albums?filter='daap.songgenre:Jazz'");
get("groups-$_", "$top/groups?type=music&group-type=$_&meta=all&sort=album&include-sort-headers=1") for qw(albums artists);

# --- the server's own table of codes
for my $entry (grep { $_->[0] eq 'dmap.dictionary' } @{dmap_seek($codes, 'dmap.contentcodesresponse') || []}) {
  my %field = map { $_->[0] => $_->[1] } @{$entry->[1]};
  my $number = $field{'dmap.contentcodesnumber'};
  $declared{$number =~ /^\d+$/ ? pack('N', $number) : $number} = $field{'dmap.contentcodestype'} if defined $number;
}
my @undeclared = sort grep { !exists $declared{$_} } keys %width;
check(!@undeclared, 'every code is in content-codes', join(' ', @undeclared) || scalar(keys %declared) . ' declared');
my @wide;
for my $code (sort keys %width) {
  my $want = $type_width{$declared{$code} // 0} or next;
  push @wide, map { "$code declared $want bytes, sent $_" } grep { $_ != $want } keys %{$width{$code}};
}
check(!@wide, 'widths agree with content-codes', join('; ', @wide));

# --- the songs
open my $file, '<:raw', $manifest or die "$manifest: $!";
my $tracks = decode_json(do { local $/; <$file> })->{tracks};
my $text = sub { my $value = shift // ''; utf8::is_utf8($value) ? $value : decode('UTF-8', $value) };
my %listed = map { ($text->($_->{'dmap.itemname'}) => $_) } @items;
check(@items == @$tracks, 'song count', scalar @items);
for my $want (@$tracks) {
  my $got = $listed{$want->{title}} or do { check(0, "song '$want->{title}'", 'not listed'); next };
  my @wrong;
  for (['artist', 'daap.songartist'], ['album', 'daap.songalbum'], ['genre', 'daap.songgenre'],
       ['track', 'daap.songtracknumber'], ['year', 'daap.songyear'], ['disc', 'daap.songdiscnumber'],
       ['size', 'daap.songsize'], ['format', 'daap.songformat']) {
    my ($key, $name) = @$_;
    my $value = $text->($got->{$name});
    push @wrong, "$key: '$value' not '$want->{$key}'" if $value ne $want->{$key};
  }
  my $ms = $got->{'daap.songtime'} // 0;
  push @wrong, "time $ms not $want->{ms}" if abs($ms - $want->{ms}) > 100;
  check(!@wrong, "song '$want->{title}'", join '; ', @wrong);
}
my $bye = $agent->get("http://$host:$port/logout?session-id=$session", %headers);
check($bye->is_success, 'logout', $bye->status_line);
