package build

import (
	"strings"
	"sync"
)

// debian says which package of Debian (and Ubuntu) brings what a build misses: a
// header, a library (-lNAME), a name of pkg-config, a program. The packages that
// sources on the Python index most often want; for others the name of the file is what
// can be searched for.
const debian = `
build-essential: gcc g++ cc c++ make x86_64-linux-gnu-gcc aarch64-linux-gnu-gcc
libffi-dev: ffi.h -lffi libffi
libssl-dev: openssl/ssl.h openssl/opensslv.h openssl/crypto.h openssl/evp.h openssl/rsa.h openssl/aes.h openssl/err.h openssl/sha.h openssl/bio.h openssl/x509.h -lssl -lcrypto openssl libssl libcrypto
libyaml-dev: yaml.h -lyaml yaml-0.1
zlib1g-dev: zlib.h -lz zlib
libbz2-dev: bzlib.h -lbz2 bzip2
liblzma-dev: lzma.h -llzma liblzma
libzstd-dev: zstd.h -lzstd libzstd
liblz4-dev: lz4.h lz4frame.h -llz4 liblz4
libsnappy-dev: snappy.h snappy-c.h -lsnappy
libbrotli-dev: brotli/decode.h -lbrotlidec libbrotlidec
libpq-dev: libpq-fe.h postgres_ext.h -lpq libpq pg_config
default-libmysqlclient-dev: mysql.h mysql/mysql.h -lmysqlclient -lmariadb mysqlclient mysql_config mariadb_config
libmariadb-dev: mariadb/mysql.h libmariadb mariadb
libsqlite3-dev: sqlite3.h -lsqlite3 sqlite3
libsqlcipher-dev: sqlcipher/sqlite3.h -lsqlcipher sqlcipher
unixodbc-dev: sql.h sqlext.h -lodbc odbc
freetds-dev: sybdb.h -lsybdb
libxml2-dev: libxml/xmlversion.h libxml/parser.h libxml/tree.h -lxml2 libxml-2.0 xml2-config
libxslt1-dev: libxslt/xslt.h libxslt/xsltconfig.h -lxslt -lexslt libxslt libexslt xslt-config
libxmlsec1-dev: xmlsec/xmlsec.h xmlsec1
libldap-dev: ldap.h lber.h -lldap -llber ldap
libsasl2-dev: sasl.h sasl/sasl.h -lsasl2 libsasl2
libkrb5-dev: gssapi/gssapi.h gssapi.h krb5.h -lgssapi_krb5 krb5-gssapi krb5-config
libsodium-dev: sodium.h -lsodium libsodium
libgpgme-dev: gpgme.h -lgpgme gpgme gpgme-config
libgmp-dev: gmp.h -lgmp gmp
libmpfr-dev: mpfr.h -lmpfr mpfr
libmpc-dev: mpc.h -lmpc
libcurl4-openssl-dev: curl/curl.h -lcurl libcurl curl-config
libzmq3-dev: zmq.h -lzmq libzmq
librdkafka-dev: librdkafka/rdkafka.h -lrdkafka rdkafka
libssh2-1-dev: libssh2.h -lssh2 libssh2
libssh-dev: libssh/libssh.h -lssh libssh
libgit2-dev: git2.h -lgit2 libgit2
libjpeg-dev: jpeglib.h -ljpeg libjpeg
libpng-dev: png.h -lpng libpng
libtiff-dev: tiff.h tiffio.h -ltiff libtiff-4
libwebp-dev: webp/decode.h -lwebp libwebp
libopenjp2-7-dev: openjpeg.h -lopenjp2 libopenjp2
liblcms2-dev: lcms2.h -llcms2 lcms2
libfreetype-dev: ft2build.h freetype/freetype.h -lfreetype freetype2
libharfbuzz-dev: hb.h -lharfbuzz harfbuzz
libfribidi-dev: fribidi.h -lfribidi fribidi
libqpdf-dev: qpdf/QPDF.hh -lqpdf libqpdf
libpoppler-cpp-dev: poppler/cpp/poppler-document.h -lpoppler-cpp poppler-cpp
libmagic-dev: magic.h -lmagic libmagic
libcairo2-dev: cairo.h -lcairo cairo
libpango1.0-dev: pango/pango.h -lpango-1.0 pango pangocairo pangoft2
libglib2.0-dev: glib.h gio/gio.h -lglib-2.0 glib-2.0 gobject-2.0 gio-2.0
libgirepository1.0-dev: girepository.h gobject-introspection-1.0 girepository-1.0
libgtk-3-dev: gtk/gtk.h gtk+-3.0
libdbus-1-dev: dbus/dbus.h -ldbus-1 dbus-1
libsystemd-dev: systemd/sd-journal.h systemd/sd-daemon.h systemd/sd-bus.h systemd/sd-login.h -lsystemd libsystemd
libudev-dev: libudev.h -ludev libudev
libusb-1.0-0-dev: libusb.h libusb-1.0/libusb.h -lusb-1.0 libusb-1.0
libhidapi-dev: hidapi/hidapi.h hidapi-libusb hidapi-hidraw
libpcsclite-dev: winscard.h PCSC/winscard.h -lpcsclite libpcsclite
libbluetooth-dev: bluetooth/bluetooth.h -lbluetooth bluez
libpcap-dev: pcap.h pcap/pcap.h -lpcap libpcap pcap-config
libnl-3-dev: netlink/netlink.h -lnl-3 libnl-3.0
libnetfilter-queue-dev: libnetfilter_queue/libnetfilter_queue.h -lnetfilter_queue
libvirt-dev: libvirt/libvirt.h -lvirt libvirt
libxen-dev: xenctrl.h
libseccomp-dev: seccomp.h -lseccomp libseccomp
libselinux1-dev: selinux/selinux.h -lselinux libselinux
libapparmor-dev: sys/apparmor.h -lapparmor libapparmor
libaudit-dev: libaudit.h -laudit
libcap-dev: sys/capability.h -lcap libcap
libacl1-dev: sys/acl.h -lacl libacl
libattr1-dev: attr/xattr.h attr/attributes.h -lattr libattr
libpam0g-dev: security/pam_appl.h -lpam
uuid-dev: uuid/uuid.h -luuid uuid
libev-dev: ev.h -lev
libevent-dev: event.h event2/event.h -levent libevent
libuv1-dev: uv.h -luv libuv
libc-ares-dev: ares.h -lcares libcares
libnghttp2-dev: nghttp2/nghttp2.h -lnghttp2 libnghttp2
libprotobuf-dev: google/protobuf/message.h -lprotobuf protobuf
libleveldb-dev: leveldb/db.h -lleveldb
librocksdb-dev: rocksdb/db.h -lrocksdb
liblmdb-dev: lmdb.h -llmdb lmdb
libdb-dev: db.h -ldb
libgdbm-dev: gdbm.h -lgdbm
libmemcached-dev: libmemcached/memcached.h -lmemcached libmemcached
libsnmp-dev: net-snmp/net-snmp-config.h -lnetsnmp netsnmp net-snmp-config
libcups2-dev: cups/cups.h -lcups cups cups-config
libasound2-dev: alsa/asoundlib.h -lasound alsa
portaudio19-dev: portaudio.h -lportaudio portaudio-2.0
libsndfile1-dev: sndfile.h -lsndfile sndfile
libavformat-dev: libavformat/avformat.h -lavformat libavformat
libavcodec-dev: libavcodec/avcodec.h -lavcodec libavcodec
libsdl2-dev: SDL.h -lSDL2 sdl2 sdl2-config
libx11-dev: X11/Xlib.h -lX11 x11
libxcb1-dev: xcb/xcb.h -lxcb xcb
libgl-dev: GL/gl.h -lGL gl
libreadline-dev: readline/readline.h -lreadline readline
libncurses-dev: ncurses.h curses.h -lncurses -lncursesw ncurses
libexpat1-dev: expat.h -lexpat expat
libicu-dev: unicode/utypes.h unicode/ucol.h -licuuc icu-uc icu-i18n icu-config
libenchant-2-dev: enchant.h enchant-2
libhunspell-dev: hunspell/hunspell.hxx hunspell.hxx hunspell
libre2-dev: re2/re2.h -lre2 re2
libpcre2-dev: pcre2.h -lpcre2-8 libpcre2-8
libpcre3-dev: pcre.h -lpcre libpcre
libarchive-dev: archive.h -larchive libarchive
libhdf5-dev: hdf5.h -lhdf5 hdf5
libnetcdf-dev: netcdf.h -lnetcdf netcdf nc-config
libgeos-dev: geos_c.h -lgeos_c geos geos-config
libproj-dev: proj.h proj_api.h -lproj proj
libgdal-dev: gdal.h -lgdal gdal gdal-config
libopenblas-dev: cblas.h -lopenblas openblas blas lapack
libfftw3-dev: fftw3.h -lfftw3 fftw3
libgsl-dev: gsl/gsl_math.h -lgsl gsl gsl-config
libboost-dev: boost/config.hpp boost/version.hpp
libboost-python-dev: boost/python.hpp
libeigen3-dev: Eigen/Core eigen3
libnuma-dev: numa.h -lnuma numa
libopenmpi-dev: mpi.h -lmpi mpicc ompi-c
libfuse-dev: fuse.h -lfuse fuse
libfuse3-dev: fuse3/fuse.h -lfuse3 fuse3
libfdt-dev: libfdt.h -lfdt
libaugeas-dev: augeas.h -laugeas augeas
libsecp256k1-dev: secp256k1.h -lsecp256k1 libsecp256k1
libscrypt-dev: libscrypt.h -lscrypt
libargon2-dev: argon2.h -largon2 libargon2
tcl-dev: tcl.h
tk-dev: tk.h
apache2-dev: httpd.h ap_config.h apxs apxs2
python3-dev: Python.h python3.h
libc6-dev: stdio.h stdlib.h limits.h
linux-libc-dev: linux/types.h linux/input.h
cmake: cmake
ninja-build: ninja
meson: meson
pkg-config: pkg-config pkgconf
swig: swig
gfortran: gfortran f95
clang: clang clang++
llvm-dev: llvm-config
nasm: nasm
yasm: yasm
flex: flex
bison: bison
autoconf: autoconf autoreconf
automake: automake aclocal
libtool: libtoolize
patchelf: patchelf
git: git
protobuf-compiler: protoc
rustc: rustc
cargo: cargo
golang-go: go
npm: npm
nodejs: node
default-jdk-headless: javac java
ragel: ragel
re2c: re2c
gperf: gperf
xxd: xxd
m4: m4
perl: perl
unzip: unzip
help2man: help2man
`

var debianPackages = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(debian), "\n") {
		name, has, _ := strings.Cut(line, ": ")
		for _, h := range strings.Fields(has) {
			m[h] = name
		}
	}
	return m
})

// debianPackage names the package that brings a thing; "" where it is not known. A header
// in a folder of its own counts by that folder too: openssl/ec.h.
func debianPackage(thing string) string {
	all := debianPackages()
	if p := all[thing]; p != "" {
		return p
	}
	if dir, _, ok := strings.Cut(thing, "/"); ok {
		for known, p := range all {
			if strings.HasPrefix(known, dir+"/") && only(all, dir+"/", p) {
				return p
			}
		}
	}
	return ""
}

// only reports whether all that is known below a folder is of one package.
func only(all map[string]string, folder, name string) bool {
	for known, p := range all {
		if strings.HasPrefix(known, folder) && p != name {
			return false
		}
	}
	return true
}
