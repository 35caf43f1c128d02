#!/bin/sh
# Posts a photo and views it with age, curl, openssl and jq alone, against ./stories up. Usage: docs/tour-with-curl.sh PHOTO
set -eu
api=${STORIES_API:-http://127.0.0.1:8080}
photo=$(readlink -f "$1")
stories=$(readlink -f "$(dirname "$0")/../stories")
user=carol-$$
auth="Authorization: Bearer $("$stories" token --app chat-dev --user "$user")"
cd "$(mktemp -d)"
uuid() { cat /proc/sys/kernel/random/uuid; }
call() { curl -fsS -H "$auth" -H 'Content-Type: application/json' "$@"; }
public() { grep -o 'age1.*' "$1"; }
secret() { grep AGE-SECRET-KEY "$1" | tr -d '\n'; }
sha256() { sha256sum "$1" | cut -c1-64; }
length() { wc -c <"$1" | tr -d ' '; }

# This device: an age key, and an Ed25519 key to sign with.
device=$(uuid)
age-keygen -o device.key 2>/dev/null
openssl genpkey -algorithm ed25519 -out sign.pem
call "$api/v1/devices" -d "{\"id\":\"$device\",\"recipient\":\"$(public device.key)\",\"signingKey\":\"$(openssl pkey -in sign.pem -pubout -outform DER | tail -c 32 | base64 -w0)\"}" >/dev/null

# An audience of nobody but us: its first epoch's key, enveloped for this device.
audience=$(uuid)
age-keygen -o epoch.key 2>/dev/null
envelope=$(secret epoch.key | age -r "$(public device.key)" | base64 -w0)
call -X PUT "$api/v1/audiences/$audience/epochs/1" -d "{\"kind\":\"list\",\"recipient\":\"$(public epoch.key)\",\"members\":[],\"envelopes\":[{\"device\":\"$device\",\"envelope\":\"$envelope\"}]}" >/dev/null

# Encrypt the photo to the service's processing key, and upload it with its creation (tus).
entry=$(call "$api/v1/keys" | jq -r '.processingKeys[0].bytes' | base64 -d)
age -r "$(echo "$entry" | jq -r .recipient)" -o upload.age "$photo"
metadata="lane $(printf photo | base64),level $(printf processed | base64),key $(printf %s "$(echo "$entry" | jq -r .id)" | base64 -w0)"
upload=$(curl -fsS -D - -o /dev/null "$api/v1/uploads" -H "$auth" -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $(length upload.age)" -H "Upload-Metadata: $metadata" \
    -H 'Content-Type: application/offset+octet-stream' --data-binary @upload.age | tr -d '\r' | sed -n 's|^[Ll]ocation: /v1/uploads/||p')

# The story: a key of its own, a caption encrypted to it, and a manifest that this device signs.
story=$(uuid)
age-keygen -o story.key 2>/dev/null
printf '{"caption":"posted with curl"}' | age -r "$(public story.key)" -o payload.age
printf '{"story":"%s","author":"chat-dev/%s","device":"%s","audience":"%s","epoch":1,"level":"processed","recipient":"%s","createdAt":%s,"lifetime":3600,"uploads":[{"sha256":"%s","length":%s}],"payload":{"sha256":"%s","length":%s}}' \
    "$story" "$user" "$device" "$audience" "$(public story.key)" "$(date +%s)" "$(sha256 upload.age)" "$(length upload.age)" "$(sha256 payload.age)" "$(length payload.age)" >manifest.json
{ printf 'stories/story-manifest/v1\n'; cat manifest.json; } >signed
openssl pkeyutl -sign -rawin -inkey sign.pem -in signed -out signature
call -X PUT "$api/v1/stories/$story" -d "{\"manifest\":\"$(base64 -w0 manifest.json)\",\"signature\":\"$(base64 -w0 signature)\",\"uploads\":[\"$upload\"],\"keyEnvelope\":\"$(secret story.key | age -r "$(public epoch.key)" | base64 -w0)\",\"payload\":\"$(base64 -w0 payload.age)\"}"
echo
while :; do
    progress=$(call "$api/v1/stories/$story/progress")
    case $(echo "$progress" | jq -r .state) in
        live) break ;;
        accepted | processing) sleep 0.2 ;;
        *) echo "$progress" | jq -r '"It is \(.state): \(.code)"' >&2; exit 1 ;;
    esac
done

# View it: epoch key, story key, what there is, and the first rendition by its signed URL.
call "$api/v1/stories/$story" >view.json
jq -r .keyEnvelope view.json | base64 -d | age -d -i epoch.key >opened.key
jq -r .payload view.json | base64 -d | age -d -i opened.key
echo
jq -r .renditionManifest view.json | base64 -d | age -d -i opened.key | jq -r .bytes | base64 -d | jq -c '.renditions[]'
size=$(jq -r .renditionManifest view.json | base64 -d | age -d -i opened.key | jq -r .bytes | base64 -d | jq '.renditions[0].contentLength')
curl -fsS "$(jq -r '.renditions[0].url' view.json)" | age -d -i opened.key | head -c "$size" >seen.webp
file -b seen.webp || true
echo "$PWD/seen.webp"
