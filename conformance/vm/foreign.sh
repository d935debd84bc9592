# For vm: a root directory of Debian packages for another processor than the host's. Their programs can't run here, so the packages are only
# unpacked, and this does by hand what their configuration would do, as far as the machine needs it.

# What Debian's users and groups are, and what links the alternatives would make.
configure_by_hand() {
  local file kind id=900 name
  for name in passwd group; do cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"; done
  for name in messagebus systemd-network systemd-journal utmp tester; do
    if ! grep -q "^$name:" "$root/etc/group"; then
      [[ $name != tester ]] || id=1000
      echo "$name:x:$id:" >>"$root/etc/group"
      echo "$name:x:$id:$id::/home/$name:/bin/bash" >>"$root/etc/passwd"
      ((id += 1))
    fi
  done
  sed 's/^\([^:]*\):.*/\1:*:20000:0:99999:7:::/' "$root/etc/passwd" >"$root/etc/shadow"
  chmod 0640 "$root/etc/shadow"
  mkdir -p "$root"/{home/tester,mnt,opt,srv}
  chown 1000:1000 "$root/home/tester"

  cp "$root/usr/share/libc-bin/nsswitch.conf" "$root/etc/"
  ln -s mawk "$root/usr/bin/awk"
  ln -s iptables-nft "$root/usr/sbin/iptables"
  for kind in auth account password session session-noninteractive; do
    file=$root/etc/pam.d/common-$kind
    echo "${kind%-*} required pam_unix.so" >"$file"
  done
}

# Unpacks npm's package of node for that processor, of the release that the host has.
foreign_node() {
  local package="node-linux-$arch@$(node -p process.versions.node)"
  npm pack --silent --pack-destination "$tmp" "$package" >/dev/null || die "npm can't get $package"
  tar -xzf "$tmp"/node-linux-*.tgz -C "$root/usr" --strip-components=1 package/bin/node
}
