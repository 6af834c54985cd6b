// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
