//! What the machine does at its first start: a disk for the data, the binary, a certificate, a service.
//!
//! It runs once. A change of it makes Azure refuse the deployment of a machine that is there, by design of Azure.

use crate::{
    config::{Config, Server},
    parts::server::host,
    template::Text,
};

const HEAD: &str = r"#cloud-config
package_update: true
packages: [ca-certificates, curl, jq, openssl]
disk_setup:
  /dev/disk/azure/scsi1/lun0:
    table_type: gpt
    layout: true
    overwrite: false
fs_setup:
  - label: voltwin
    filesystem: ext4
    device: /dev/disk/azure/scsi1/lun0-part1
    overwrite: false
mounts:
  - [LABEL=voltwin, /var/lib/voltwin, ext4, 'defaults,noatime,nofail', '0', '2']
write_files:
";

const INSTALL: &str = r#"  - path: /usr/local/sbin/voltwin-install
    permissions: '0755'
    content: |
      #!/bin/sh
      # Fetches Voltwin, gives it a user, a folder and a certificate, and starts it.
      set -eu
      . /etc/voltwin/install.env
      id voltwin > /dev/null 2>&1 || useradd --system --home-dir /var/lib/voltwin --shell /usr/sbin/nologin voltwin
      install -d -o voltwin -g voltwin -m 0700 /var/lib/voltwin/data
      install -d -o voltwin -g voltwin -m 0700 /etc/voltwin/tls
      new=$(mktemp)
      trap 'rm -f "$new"' EXIT
      curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$new" "$BINARY_URL"
      echo "$BINARY_SHA256  $new" | sha256sum --check --status
      install -m 0755 "$new" /usr/local/bin/voltwin
      if [ ! -s /etc/voltwin/tls/server.pem ]; then
        # until a better one comes: a certificate of Voltwin's own authority, which stations can be given
        cd /etc/voltwin/tls
        data=/var/lib/voltwin/data
        [ -e "$data/ca/ca.pem" ] || runuser -u voltwin -- /usr/local/bin/voltwin admin ca init --data "$data"
        runuser -u voltwin -- /usr/local/bin/voltwin admin ca server "$HOST" --data "$data" --out .
        mv "$HOST.key" server.key
        mv "$HOST.pem" server.pem
      fi
      systemctl daemon-reload
      systemctl enable --now voltwin.service
"#;

const SERVICE: &str = r"  - path: /etc/systemd/system/voltwin.service
    content: |
      [Unit]
      Description=Voltwin
      Wants=network-online.target
      After=network-online.target
      RequiresMountsFor=/var/lib/voltwin

      [Service]
      User=voltwin
      Group=voltwin
      EnvironmentFile=/etc/voltwin/voltwin.env
      ExecStart=/usr/local/bin/voltwin serve
      Restart=always
      RestartSec=2
      LimitNOFILE=1048576
      AmbientCapabilities=CAP_NET_BIND_SERVICE
      CapabilityBoundingSet=CAP_NET_BIND_SERVICE
      NoNewPrivileges=yes
      ProtectSystem=strict
      ReadWritePaths=/var/lib/voltwin/data
      ProtectHome=yes
      PrivateTmp=yes
      PrivateDevices=yes
      ProtectKernelTunables=yes
      ProtectKernelModules=yes
      ProtectControlGroups=yes
      RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

      [Install]
      WantedBy=multi-user.target
";

const CERTIFICATE: &str = r#"  - path: /usr/local/sbin/voltwin-certificate
    permissions: '0755'
    content: |
      #!/bin/sh
      # Fetches the certificate from the key vault by the identity of this machine; Voltwin reads it when it changes.
      set -eu
      umask 077
      . /etc/voltwin/certificate.env
      work=$(mktemp -d)
      trap 'rm -rf "$work"' EXIT
      identity="${IDENTITY_URL:-http://169.254.169.254}/metadata/identity/oauth2/token?api-version=2018-02-01"
      curl --fail --silent --show-error --noproxy '*' --max-time 30 --header Metadata:true \
        "$identity&client_id=$CLIENT_ID&resource=$AUDIENCE" | jq -er '"Authorization: Bearer \(.access_token)"' \
        > "$work/token"
      curl --fail --silent --show-error --max-time 30 --header "@$work/token" \
        "${VAULT_URL}secrets/$CERTIFICATE?api-version=7.4" | jq -er .value > "$work/all.pem"
      openssl pkey -in "$work/all.pem" -out "$work/server.key"
      sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$work/all.pem" > "$work/server.pem"
      test -s "$work/server.pem"
      tls=${TLS_FOLDER:-/etc/voltwin/tls}
      if cmp -s "$work/server.pem" "$tls/server.pem" && cmp -s "$work/server.key" "$tls/server.key"; then
        exit 0
      fi
      chown "${OWNER:-voltwin:voltwin}" "$work/server.key" "$work/server.pem"
      mv "$work/server.key" "$tls/server.key"
      mv "$work/server.pem" "$tls/server.pem"
  - path: /etc/systemd/system/voltwin-certificate.service
    content: |
      [Unit]
      Description=The certificate of Voltwin from the key vault

      [Service]
      Type=oneshot
      ExecStart=/usr/local/sbin/voltwin-certificate
  - path: /etc/systemd/system/voltwin-certificate.timer
    content: |
      [Unit]
      Description=Looks for a new certificate of Voltwin

      [Timer]
      OnActiveSec=2min
      OnUnitActiveSec=1h

      [Install]
      WantedBy=timers.target
"#;

/// The text of `customData`.
pub(super) fn text(config: &Config, server: &Server) -> Text {
    let mut parts = vec![HEAD.into()];
    file(&mut parts, "/etc/voltwin/install.env");
    line(&mut parts, [format!("BINARY_URL='{}'", server.binary_url).into()]);
    line(&mut parts, [format!("BINARY_SHA256={}", server.binary_sha256.to_ascii_lowercase()).into()]);
    line(&mut parts, ["HOST=".into(), host(server)]);
    file(&mut parts, "/etc/voltwin/voltwin.env");
    line(&mut parts, ["VOLTWIN_DATA=/var/lib/voltwin/data".into()]);
    line(&mut parts, ["VOLTWIN_LISTEN=0.0.0.0:443".into()]);
    line(&mut parts, ["VOLTWIN_TLS_CERT=/etc/voltwin/tls/server.pem".into()]);
    line(&mut parts, ["VOLTWIN_TLS_KEY=/etc/voltwin/tls/server.key".into()]);
    line(&mut parts, ["VOLTWIN_PUBLIC_URL=https://".into(), host(server)]);
    // tokens of the same directory are believed at our data plane, as they are at Azure's
    line(
        &mut parts,
        [
            "VOLTWIN_OIDC_ISSUER=https://sts.windows.net/".into(),
            Text::Tenant,
            format!("/,{}/", config.cloud.login_url()).into(),
            Text::Tenant,
            "/v2.0".into(),
        ],
    );
    line(&mut parts, ["AZURE_CLIENT_ID=".into(), Text::Read("voltwin", "properties.clientId")]);
    if config.digital_twins.is_some() {
        line(
            &mut parts,
            ["AZURE_DIGITALTWINS_URL=https://".into(), Text::Read("twins", "properties.hostName")],
        );
    }
    parts.push(INSTALL.into());
    parts.push(SERVICE.into());
    if let Some(certificate) = &server.certificate {
        file(&mut parts, "/etc/voltwin/certificate.env");
        line(&mut parts, [format!("CERTIFICATE={certificate}").into()]);
        line(&mut parts, [format!("AUDIENCE={}", config.cloud.vault_audience()).into()]);
        line(&mut parts, ["VAULT_URL=".into(), Text::Read("key_vault", "properties.vaultUri")]);
        line(&mut parts, ["CLIENT_ID=".into(), Text::Read("voltwin", "properties.clientId")]);
        parts.push(CERTIFICATE.into());
    }
    parts.push("runcmd:\n  - [/usr/local/sbin/voltwin-install]\n".into());
    if server.certificate.is_some() {
        parts.push("  - [systemctl, enable, --now, voltwin-certificate.timer]\n".into());
    }
    Text::Join(merged(parts))
}

fn file(parts: &mut Vec<Text>, path: &str) {
    parts.push(format!("  - path: {path}\n    content: |\n").into());
}

fn line<const N: usize>(parts: &mut Vec<Text>, words: [Text; N]) {
    parts.push("      ".into());
    parts.extend(words);
    parts.push("\n".into());
}

/// Plain parts that stand together as one.
fn merged(parts: Vec<Text>) -> Vec<Text> {
    let mut merged: Vec<Text> = Vec::new();
    for part in parts {
        match (merged.last_mut(), part) {
            (Some(Text::Plain(before)), Text::Plain(after)) => before.push_str(&after),
            (_, part) => merged.push(part),
        }
    }
    merged
}
